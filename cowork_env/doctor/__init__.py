"""``doctor``: find out why a provider does not work, and how to fix it.

``checkup`` runs the checks: ``local`` looks at this machine, ``online`` (with ``transport`` and
``classify``) sends requests to a provider. They report codes, whose levels and texts are in
``codes``, as values of ``findings``. Only what goes online imports httpx.
"""
