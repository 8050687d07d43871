"""Providers as pydantic models, used when one is saved: validated and tidied.

The rules are not here but in ``core/provider.py`` and ``secrets``; reading an entry uses the same
functions. Only one thing is checked in addition: a secret reference must be well formed.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    SkipValidation,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel

from .core import limits, provider
from .core.provider import InvalidField
from .secrets import check_reference


class _Entry(BaseModel):
    """Nothing is converted, unknown keys stay, and no value shows in a message."""

    model_config = ConfigDict(
        extra="allow", strict=True, hide_input_in_errors=True, alias_generator=to_camel, frozen=True
    )

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    __str__ = __repr__


class Models(_Entry):
    """The models of the tiers."""

    opus: str | None = None
    sonnet: str | None = None
    haiku: str | None = None
    fable: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _check(cls, models: Any) -> Any:
        return {**models, **provider.check_models(models)}


class Provider(_Entry):
    """One valid entry of ``providers.json``, without white space around its name and models."""

    id: str | None = None
    name: str
    base_url: str | None = None
    # Checked by the rules; pydantic would refuse surrogates, which an encrypted key may contain.
    auth_token: Annotated[str | None, SkipValidation] = None
    default_model: str | None = None
    models: Models | None = None
    auth_token_from: str | None = None
    auth: str | None = None
    config_dir: str | None = None
    env: dict[str, str] | None = None
    verbatim_base_url: bool | None = None
    allow_insecure: bool | None = None

    @model_validator(mode="before")
    @classmethod
    def _check(cls, entry: Any) -> Any:
        checked = provider.Provider(entry)
        check_reference(checked.token_from)
        limits.check_provider(checked)
        return entry

    @field_validator("name")
    @classmethod
    def _tidy_name(cls, name: str) -> str:
        return provider.check_name(name)

    @field_validator("default_model")
    @classmethod
    def _tidy_model(cls, model: str | None) -> str | None:
        return model and provider.check_model(model)


def validated(entry: Any) -> Provider:
    """The entry as a model; raises :class:`InvalidField` at the first rule it breaks."""
    try:
        return Provider.model_validate(entry)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        cause = first.get("ctx", {}).get("error")
        if isinstance(cause, InvalidField):
            raise cause from None
        raise InvalidField(
            tuple(str(step) for step in first["loc"]), "has a value of the wrong kind"
        ) from None


def tidy(entry: dict[str, Any]) -> dict[str, Any]:
    """The entry to save: the same keys in the same order, the values of known keys tidied.

    Unknown keys are not passed to pydantic, which could lose them or fail because of them.
    Raises :class:`InvalidField` at the first rule that the entry breaks.
    """
    if not isinstance(entry, dict):
        validated(entry)
    known = {key: entry[key] for key in entry if key in provider.KEYS}
    models = known.get("models")
    if isinstance(models, dict):
        known["models"] = {key: models[key] for key in models if key in provider.TIERS}
    values = validated(known).model_dump(by_alias=True, exclude_unset=True)
    if isinstance(models, dict):
        values["models"] = models | values["models"]
    return entry | values
