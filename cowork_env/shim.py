"""The former name of ``launcher``: the launchers of earlier versions import ``main`` from here."""

from .launcher import main as main
