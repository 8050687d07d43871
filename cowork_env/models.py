"""Providers as pydantic models, for when one is saved: the same rules, and values made tidy.

There is no rule in here. Every one is a function of ``provider.py`` or ``secrets``, which reading an entry uses
too; only what is saved must also have a secret reference of the right form.
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

from .core import provider
from .core.provider import InvalidField
from .secrets import check_reference


class _Entry(BaseModel):
    """Strict, so that nothing is converted; keys that are not ours stay; no value ever shows in a message."""

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
    """One entry of ``providers.json``, every rule kept, white space around its name and models gone."""

    id: str | None = None
    name: str
    base_url: str | None = None
    # The rules have seen it; one in the app's encrypted form may be any text.
    auth_token: Annotated[str | None, SkipValidation] = None
    default_model: str | None = None
    models: Models | None = None
    auth_token_from: str | None = None
    auth: str | None = None
    env: dict[str, str] | None = None
    verbatim_base_url: bool | None = None
    allow_insecure: bool | None = None

    @model_validator(mode="before")
    @classmethod
    def _check(cls, entry: Any) -> Any:
        checked = provider.Provider(entry)
        check_reference(checked.token_from)
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
    """A valid entry as it is saved: its own keys in their own order, the values of ours as the model has them.

    What is not ours is not looked at: no validation may lose it or fail over it.
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
