"""The standard library's own values (and numpy's) as tagged JSON. See ``codec``."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from typing import Any

Coder = Callable[[Any], Any]

_DICTS = ("Counter", "OrderedDict", "defaultdict")
_VIEWS = ("dict_keys", "dict_values", "dict_items")
_ADDRESSES = (
    "IPv4Address", "IPv6Address", "IPv4Network", "IPv6Network", "IPv4Interface", "IPv6Interface"
)  # fmt: skip
_PATHS = ("PosixPath", "PurePosixPath", "WindowsPath", "PureWindowsPath", "Path", "PurePath")
_FACTORIES = {kind.__name__: kind for kind in (list, int, set, dict, float, str, tuple, bool)}
_UNNAMED = {kind.__name__: kind for kind in vars(types).values() if isinstance(kind, type)}
"""Built-in classes that have no name among the built-ins: of functions, generators, None …"""
_CONSTANTS = {"Ellipsis": Ellipsis, "NotImplemented": NotImplemented}
_TYPES_FROM = frozenset(
    (
        "abc", "asyncio", "builtins", "collections", "dataclasses", "datetime", "decimal", "enum", "fractions",
        "functools", "inspect", "io", "ipaddress", "itertools", "json", "logging", "math", "numbers", "pathlib",
        "queue", "re", "string", "threading", "types", "typing", "uuid",
    )
)  # fmt: skip
"""Where a class may be asked for by name, besides modules that are imported already."""


def encode_library(value: Any, kind: type, inner: Coder) -> dict[str, Any] | None:
    """The form of a value whose class has one, else None. ``inner`` encodes what is inside it."""
    if isinstance(value, type):
        return _encode_type(value)
    module, name = getattr(kind, "__module__", None), getattr(kind, "__name__", None)
    encoder = _ENCODERS.get(module) if type(module) is str else None
    return encoder(value, name, inner) if encoder is not None and type(name) is str else None


def _encode_type(value: type) -> dict[str, Any] | None:
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if type(module) is not str or type(name) is not str or find_type(module, name) is not value:
        return None
    return {"$": "type", "v": [module, name]}


def find_type(module: str, name: str) -> type | None:
    """A class of the standard library, or None."""
    top = module.partition(".")[0]
    if top not in sys.stdlib_module_names and top != "numpy":
        return None
    found: Any = sys.modules.get(module)
    if found is None and top in _TYPES_FROM:
        try:
            found = __import__(module, fromlist=["_"])
        except ImportError:
            return None
    for part in name.split("."):
        found = getattr(found, part, None)
    if found is None and module == "builtins":
        found = _UNNAMED.get(name)
    return found if isinstance(found, type) else None


def _builtins(value: Any, name: str, inner: Coder) -> dict[str, Any] | None:
    if name == "range":
        return {"$": "range", "v": [hex(value.start), hex(value.stop), hex(value.step)]}
    if name == "slice":
        return {"$": "slice", "v": [inner(value.start), inner(value.stop), inner(value.step)]}
    if name in ("ellipsis", "NotImplementedType"):
        return {"$": "Ellipsis" if value is Ellipsis else "NotImplemented"}
    if name in _VIEWS:
        return {"$": name, "v": [inner(item) for item in value]}
    if name == "mappingproxy":
        return {"$": "mappingproxy", "v": inner(dict(value))}
    if name == "memoryview":
        return {"$": "memoryview", "v": inner(bytes(value))}
    return None


def _datetime(value: Any, name: str, inner: Coder) -> dict[str, Any] | None:
    if name == "timedelta":
        return {"$": name, "v": [value.days, value.seconds, value.microseconds]}
    if name == "timezone":
        return {"$": name, "v": inner(value.utcoffset(None)), "name": value.tzname(None)}
    if name == "date":
        return {"$": name, "v": value.isoformat()}
    if name in ("datetime", "time"):
        zone = inner(value.tzinfo) if value.tzinfo is not None else None
        return {"$": name, "v": value.replace(tzinfo=None).isoformat(), "zone": zone}
    return None


def _collections(value: Any, name: str, inner: Coder) -> dict[str, Any] | None:
    if name == "deque":
        return {"$": name, "v": [inner(item) for item in value], "most": value.maxlen}
    if name in _DICTS:
        factory = getattr(value.default_factory, "__name__", None) if name == "defaultdict" else None
        return {"$": name, "v": inner(dict(dict.items(value))), "factory": factory}
    return None


def _numpy(value: Any, name: str, inner: Coder) -> dict[str, Any] | None:
    if name == "ndarray":
        return {"$": name, "v": inner(value.tolist()), "type": str(value.dtype), "shape": list(value.shape)}
    if hasattr(type(value), "item") and hasattr(value, "dtype"):
        if str(value.dtype) == "bool":
            return {"$": "numpy", "v": bool(value), "type": "bool"}
        return {"$": "numpy", "v": inner(value.item()), "type": str(value.dtype)}
    return None


def _io(value: Any, name: str, inner: Coder) -> dict[str, Any] | None:
    if name not in ("StringIO", "BytesIO"):
        return None
    if value.closed:
        return {"$": name, "v": None, "at": 0}
    return {"$": name, "v": inner(value.getvalue()), "at": value.tell()}


def _simple(module: str, names: tuple[str, ...], form: Callable[[Any, Coder], Any]) -> dict[str, Any]:
    def encoder(value: Any, name: str, inner: Coder) -> dict[str, Any] | None:
        return {"$": name, "v": form(value, inner)} if name in names else None

    return {module: encoder}


_ENCODERS: dict[str, Callable[[Any, str, Coder], dict[str, Any] | None]] = {
    "builtins": _builtins,
    "datetime": _datetime,
    "collections": _collections,
    "numpy": _numpy,
    "_io": _io,
    **_simple("decimal", ("Decimal",), lambda v, _: str(v)),
    **_simple("fractions", ("Fraction",), lambda v, _: [hex(v.numerator), hex(v.denominator)]),
    **_simple("uuid", ("UUID",), lambda v, _: v.hex),
    **_simple("zoneinfo", ("ZoneInfo",), lambda v, _: v.key),
    **_simple("ipaddress", _ADDRESSES, lambda v, _: str(v)),
    **_simple("re", ("Pattern",), lambda v, inner: [inner(v.pattern), int(v.flags)]),
    **_simple("array", ("array",), lambda v, inner: [v.typecode, inner(v.tolist())]),
    **_simple("types", ("SimpleNamespace",), lambda v, inner: inner(dict(vars(v)))),
    **_simple("pathlib", _PATHS, lambda v, _: str(v)),
    **_simple("pathlib._local", _PATHS, lambda v, _: str(v)),
}


def decode_library(tagged: dict[str, Any], inner: Coder, integer: Callable[[str], int]) -> Any:
    """The value of a tag made here, None for any other tag. Only values: none runs a program's code."""
    tag: str = tagged["$"]
    value: Any = tagged.get("v")
    if tag in _DECODERS:
        return _DECODERS[tag](tagged, value, inner, integer)
    if tag in _CONSTANTS:
        return _CONSTANTS[tag]
    if tag in _ADDRESSES:
        import ipaddress

        return getattr(ipaddress, tag)(value[:100])
    if tag in _PATHS:
        import pathlib

        return getattr(pathlib, tag)(value)
    if tag in ("date", "time", "datetime"):
        import datetime

        zone = tagged.get("zone")
        found = getattr(datetime, tag).fromisoformat(value)
        return found if zone is None else found.replace(tzinfo=inner(zone))
    return None


def _collection(tagged: dict[str, Any], value: Any, inner: Coder, _: Any) -> Any:
    import collections

    tag, content = tagged["$"], inner(value)
    if tag == "deque":
        return collections.deque(content, tagged.get("most"))
    if tag == "defaultdict":
        return collections.defaultdict(_FACTORIES.get(tagged.get("factory", "")), content)
    kind: Any = collections.Counter if tag == "Counter" else collections.OrderedDict
    return kind(content)


def _fraction(tagged: dict[str, Any], value: Any, inner: Coder, integer: Any) -> Any:
    import fractions

    return fractions.Fraction(integer(value[0]), integer(value[1]))


def _decimal(tagged: dict[str, Any], value: Any, inner: Coder, integer: Any) -> Any:
    import decimal

    return decimal.Decimal(value[:10_000])


def _timezone(tagged: dict[str, Any], value: Any, inner: Coder, integer: Any) -> Any:
    import datetime

    offset, name = inner(value), tagged.get("name")
    zone = datetime.timezone(offset)
    if not offset and name == "UTC":
        return datetime.timezone.utc
    return zone if zone.tzname(None) == name or type(name) is not str else datetime.timezone(offset, name)


def _timedelta(tagged: dict[str, Any], value: Any, inner: Coder, integer: Any) -> Any:
    import datetime

    return datetime.timedelta(*value)


def _zone(tagged: dict[str, Any], value: Any, inner: Coder, integer: Any) -> Any:
    import zoneinfo

    return zoneinfo.ZoneInfo(value)


def _uuid(tagged: dict[str, Any], value: Any, inner: Coder, integer: Any) -> Any:
    import uuid

    return uuid.UUID(value)


def _pattern(tagged: dict[str, Any], value: Any, inner: Coder, integer: Any) -> Any:
    import re

    return re.compile(inner(value[0]), value[1])


def _typed_array(tagged: dict[str, Any], value: Any, inner: Coder, integer: Any) -> Any:
    import array

    return array.array(value[0], inner(value[1]))


def _namespace(tagged: dict[str, Any], value: Any, inner: Coder, integer: Any) -> Any:
    import types

    return types.SimpleNamespace(**inner(value))


def _proxy(tagged: dict[str, Any], value: Any, inner: Coder, integer: Any) -> Any:
    import types

    return types.MappingProxyType(inner(value))


def _view(tagged: dict[str, Any], value: Any, inner: Coder, integer: Any) -> Any:
    items = inner(value)
    if tagged["$"] == "dict_keys":
        return dict.fromkeys(items).keys()
    return dict(items).items() if tagged["$"] == "dict_items" else dict(enumerate(items)).values()


def _stream(tagged: dict[str, Any], value: Any, inner: Coder, integer: Any) -> Any:
    import io

    stream: Any = io.StringIO(newline="") if tagged["$"] == "StringIO" else io.BytesIO()
    write_stream(stream, inner(value), tagged["at"])
    return stream


def write_stream(stream: Any, content: str | bytes | None, at: int) -> None:
    """Give a stream in memory this content and position; None closes it."""
    if content is None:
        stream.close()
        return
    stream.seek(0)
    stream.truncate()
    stream.write(content)
    stream.seek(at)


def _array(tagged: dict[str, Any], value: Any, inner: Coder, integer: Any) -> Any:
    items = inner(value)
    try:
        import numpy
    except ImportError:
        return items
    if tagged["$"] == "numpy":
        return numpy.dtype(tagged["type"]).type(items)
    made = numpy.array(items, dtype=tagged["type"])
    return made.reshape(tagged["shape"]) if "shape" in tagged else made


def _type(tagged: dict[str, Any], value: Any, inner: Coder, integer: Any) -> Any:
    return find_type(str(value[0]), str(value[1]))


_DECODERS: dict[str, Callable[..., Any]] = {
    "range": lambda tagged, value, inner, integer: range(*map(integer, value)),
    "slice": lambda tagged, value, inner, integer: slice(*map(inner, value)),
    "memoryview": lambda tagged, value, inner, integer: memoryview(inner(value)),
    **dict.fromkeys(("deque", *_DICTS), _collection),
    **dict.fromkeys(_VIEWS, _view),
    **dict.fromkeys(("ndarray", "numpy"), _array),
    **dict.fromkeys(("StringIO", "BytesIO"), _stream),
    "mappingproxy": _proxy,
    "SimpleNamespace": _namespace,
    "Fraction": _fraction,
    "Decimal": _decimal,
    "timezone": _timezone,
    "timedelta": _timedelta,
    "ZoneInfo": _zone,
    "UUID": _uuid,
    "Pattern": _pattern,
    "array": _typed_array,
    "type": _type,
}
