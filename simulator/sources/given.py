"""Values that people give for what a template leaves open: `--parameters KEY=VALUE`."""

from collections.abc import Iterable

from simulator.errors import ExitStatus, OrgsimError


class Given:
    """The values by key; remembers which were asked for, so that a mistyped key does not pass in silence."""

    def __init__(self, pairs: Iterable[str] = ()) -> None:
        self._values: dict[str, str] = {}
        self._asked: set[str] = set()
        for pair in pairs:
            key, equals, value = pair.partition("=")
            if not equals or not key.strip():
                message = f"`{pair}` is not KEY=VALUE"
                hint = "for example --parameters Environment=prod"
                raise OrgsimError("proposal-parameter", message, hint=hint, status=ExitStatus.USAGE)
            self._values[key.strip()] = value

    def __bool__(self) -> bool:
        return bool(self._values)

    def get(self, key: str) -> str | None:
        """The value given for a key, if any."""
        self._asked.add(key)
        return self._values.get(key)

    def check_all_used(self) -> None:
        """Refuse keys that nothing asked for."""
        unused = sorted(self._values.keys() - self._asked)
        if unused:
            shown = ", ".join(f"`{key}`" for key in unused)
            known = ", ".join(sorted(self._asked)[:10])
            hint = f"it leaves open: {known}" if known else "it leaves nothing open"
            message = f"--parameters gives {shown}, for which the proposal does not ask"
            raise OrgsimError("proposal-parameter", message, hint=hint, status=ExitStatus.USAGE)
