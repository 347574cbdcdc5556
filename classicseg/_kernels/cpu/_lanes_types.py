"""Which types the functions of `_lanes` take and give, as Numba is told."""

from llvmlite import ir
from numba import types
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import models, register_model

from classicseg._kernels.cpu import _lanes_meaning as meaning


class Lanes(types.Type):
    """Numba's type of lanes of `dtype`."""

    def __init__(self, dtype):
        self.dtype, self.count = dtype, 8 * meaning.BYTES // dtype.bitwidth
        super().__init__(f"Lanes({dtype})")


class Mask(types.Type):
    """Numba's type of what compares lanes."""

    def __init__(self, count):
        self.count = count
        super().__init__(f"Mask({count})")


def vector_of(kind):
    element = {types.float32: ir.FloatType(), types.float64: ir.DoubleType()}
    return ir.VectorType(element[kind.dtype], kind.count)


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, vector_of(kind))


@register_model(Mask)
class _MaskModel(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, ir.VectorType(ir.IntType(1), kind.count))


def types_of(function):
    """Register what `function` gives for arguments of which types; None is no match."""

    def register(rule):
        class Template(AbstractTemplate):
            def generic(self, args, kws):
                found = rule(self.context, *args)
                return None if found is None else signature(found, *args)

        infer_global(function)(Template)
        return rule

    return register


@types_of(meaning.load)
@types_of(meaning.spread_from)
def _(context, array, at):
    return Lanes(array.dtype)


@types_of(meaning.load_wide)
def _(context, array, at):
    return Lanes(types.float64)


@types_of(meaning.load_as)
def _(context, out, array, at):
    return Lanes(out.dtype)


@types_of(meaning.store)
def _(context, array, at, lanes):
    return types.none


@types_of(meaning.spread)
@types_of(meaning.ramp)
def _(context, number):
    return Lanes(number)


@types_of(meaning.where)
@types_of(meaning.fused)
def _(context, *kinds):
    return next(kind for kind in kinds if isinstance(kind, Lanes))


@types_of(meaning.total)
def _(context, lanes):
    return types.float64


@types_of(meaning.bits)
def _(context, *masks):
    return types.int64


@types_of(meaning.first_of)
@types_of(meaning.count_of)
def _(context, number):
    return types.int64


@types_of(meaning.lowest)
def _(context, lanes):
    return lanes.dtype


@types_of(meaning.size)
def _(context, lanes):
    return lanes


@types_of(meaning.each)
def _(context, function, *arguments):
    return types.UniTuple(signature_of_each(context, function, arguments).return_type, n_channels(arguments))


@types_of(meaning.together)
def _(context, parts):
    return parts.dtype


def n_channels(arguments):
    return next(len(kind) for kind in arguments if isinstance(kind, types.UniTuple))


def signature_of_each(context, function, arguments):
    """The signature of one call of `each`."""
    kinds = tuple(kind.dtype if isinstance(kind, types.UniTuple) else kind for kind in arguments)
    return context.resolve_function_type(function, kinds, {})
