"""Several numbers at once: short vectors that stay in a processor's registers.

Where the compiler turns a loop into vectors it reorders the sums, and may as well not find the vectors. Here they are
written out: 16 float32 or 8 float64, whatever the processor's own are, so that the order of a sum is the program's on
every machine. The functions are plain NumPy, which is what they mean and what runs with the
JIT off; below they are told to Numba as instructions.
"""

import functools
import operator

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import lower_builtin, models, register_model
from numba.np import arrayobj

BYTES = 64  # of a vector: one register of AVX-512, two of AVX2
WIDE, NARROW = BYTES // 8, BYTES // 4  # numbers in a vector of float64, of float32


def load(array, at):
    """The lanes of `array` from index `at`."""
    return array[at : at + BYTES // array.itemsize]


def load_wide(array, at):
    """As many lanes of a float32 array as float64 has, in float64."""
    return array[at : at + WIDE].astype(np.float64)


def load_as(out, array, at):
    """As many lanes of an array of float32 as the vectors of `out` have, in its dtype."""
    return array[at : at + BYTES // out.itemsize].astype(out.dtype)


def store(array, at, lanes):
    """Put the lanes into `array` from index `at`."""
    array[at : at + len(lanes)] = lanes


def spread(number):
    """Lanes that are all `number`."""
    number = np.asarray(number)
    return np.full(BYTES // number.itemsize, number)


def spread_from(array, at):
    """Lanes that are all the number of `array` at index `at`."""
    return spread(array[at])


def ramp(start):
    """Lanes `start`, `start` + 1, ..."""
    start = np.asarray(start)
    return start + np.arange(BYTES // start.itemsize).astype(start.dtype)


def where(mask, inside, outside):
    """Lanes of `inside` where the mask holds, else of `outside`."""
    return np.where(mask, inside, outside)


def bits(*masks):
    """Masks of up to 64 lanes as one int64, the first lane its lowest bit."""
    found = sum(1 << lane for lane in np.flatnonzero(np.concatenate(masks)).tolist())
    return found if found < 1 << 63 else found - (1 << 64)


def first_of(bits):
    """The place of the lowest bit that is set."""
    number = int(bits)
    return (number & -number).bit_length() - 1


def count_of(bits):
    """How many bits are set."""
    return (int(bits) & (1 << 64) - 1).bit_count()


def lowest(lanes):
    """The least of the lanes."""
    return lanes.min()


def size(lanes):
    """Lanes without their signs."""
    return np.abs(lanes)


def fused(one, other, more):
    """`one` · `other` + `more`, rounded once by processors that can."""
    return one * other + more


def total(lanes):
    """The sum in float64: the halves are added until one number is left."""
    lanes = lanes.astype(np.float64)
    while len(lanes) > 1:
        lanes = lanes[: len(lanes) // 2] + lanes[len(lanes) // 2 :]
    return lanes[0]


def each(function, *arguments):
    """Call a compiled function for each channel: with its parts of the tuples, and what is no tuple as it is."""
    n_channels = next(len(argument) for argument in arguments if isinstance(argument, tuple))
    function = getattr(function, "py_func", function)  # compiled, it has no way to be called from Python
    return tuple(function(*(_part(argument, c) for argument in arguments)) for c in range(n_channels))


def together(parts):
    """The sum of a tuple from first to last."""
    return functools.reduce(operator.add, parts)


def _part(argument, index):
    return argument[index] if isinstance(argument, tuple) else argument


class Lanes(types.Type):
    """Numba's type of lanes of `dtype`."""

    def __init__(self, dtype):
        self.dtype, self.count = dtype, 8 * BYTES // dtype.bitwidth
        super().__init__(f"Lanes({dtype})")


class Mask(types.Type):
    """Numba's type of what compares lanes."""

    def __init__(self, count):
        self.count = count
        super().__init__(f"Mask({count})")


def _vector(kind):
    element = {types.float32: ir.FloatType(), types.float64: ir.DoubleType()}
    return ir.VectorType(element[kind.dtype], kind.count)


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, _vector(kind))


@register_model(Mask)
class _MaskModel(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, ir.VectorType(ir.IntType(1), kind.count))


def _types_of(function):
    """Register what `function` gives for arguments of which types; None is no match."""

    def register(rule):
        class Template(AbstractTemplate):
            def generic(self, args, kws):
                found = rule(self.context, *args)
                return None if found is None else signature(found, *args)

        infer_global(function)(Template)
        return rule

    return register


@_types_of(load)
@_types_of(spread_from)
def _(context, array, at):
    return Lanes(array.dtype)


@_types_of(load_wide)
def _(context, array, at):
    return Lanes(types.float64)


@_types_of(load_as)
def _(context, out, array, at):
    return Lanes(out.dtype)


@_types_of(store)
def _(context, array, at, lanes):
    return types.none


@_types_of(spread)
@_types_of(ramp)
def _(context, number):
    return Lanes(number)


@_types_of(where)
@_types_of(fused)
def _(context, *kinds):
    return next(kind for kind in kinds if isinstance(kind, Lanes))


@_types_of(total)
def _(context, lanes):
    return types.float64


@_types_of(bits)
def _(context, *masks):
    return types.int64


@_types_of(first_of)
@_types_of(count_of)
def _(context, number):
    return types.int64


@_types_of(lowest)
def _(context, lanes):
    return lanes.dtype


@_types_of(size)
def _(context, lanes):
    return lanes


@_types_of(each)
def _(context, function, *arguments):
    n_channels = _n_channels(arguments)
    return types.UniTuple(_signature(context, function, arguments).return_type, n_channels)


@_types_of(together)
def _(context, parts):
    return parts.dtype


def _n_channels(arguments):
    return next(len(kind) for kind in arguments if isinstance(kind, types.UniTuple))


def _signature(context, function, arguments):
    """The signature of one call of `each`."""
    kinds = tuple(kind.dtype if isinstance(kind, types.UniTuple) else kind for kind in arguments)
    return context.resolve_function_type(function, kinds, {})


def _pointer(context, builder, array, values, at, vector):
    data = arrayobj.make_array(array)(context, builder, values).data
    return builder.bitcast(builder.gep(data, [at]), vector.as_pointer())


@lower_builtin(load, types.Array, types.Integer)
def _load(context, builder, sig, args):
    vector = _vector(sig.return_type)
    pointer = _pointer(context, builder, sig.args[0], args[0], args[1], vector)
    return builder.load(pointer, align=sig.args[0].dtype.bitwidth // 8)


@lower_builtin(spread_from, types.Array, types.Integer)
def _spread_from(context, builder, sig, args):
    data = arrayobj.make_array(sig.args[0])(context, builder, args[0]).data
    return _filled(context, builder, builder.load(builder.gep(data, [args[1]])), sig.args[0].dtype, sig.return_type)


@lower_builtin(load_wide, types.Array, types.Integer)
def _load_wide(context, builder, sig, args):
    pointer = _pointer(context, builder, sig.args[0], args[0], args[1], ir.VectorType(ir.FloatType(), WIDE))
    return builder.fpext(builder.load(pointer, align=4), _vector(sig.return_type))


@lower_builtin(load_as, types.Array, types.Array, types.Integer)
def _load_as(context, builder, sig, args):
    lower = _load if sig.return_type.dtype is types.float32 else _load_wide
    return lower(context, builder, signature(sig.return_type, *sig.args[1:]), args[1:])


@lower_builtin(store, types.Array, types.Integer, Lanes)
def _store(context, builder, sig, args):
    pointer = _pointer(context, builder, sig.args[0], args[0], args[1], _vector(sig.args[2]))
    builder.store(args[2], pointer, align=sig.args[0].dtype.bitwidth // 8)
    return context.get_dummy_value()


def _filled(context, builder, value, kind, lanes):
    """`value` of type `kind` as lanes."""
    if isinstance(kind, Lanes):
        return value
    vector = _vector(lanes)
    number = context.cast(builder, value, kind, lanes.dtype)
    one = builder.insert_element(ir.Constant(vector, ir.Undefined), number, ir.IntType(32)(0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), lanes.count), None)
    return builder.shuffle_vector(one, ir.Constant(vector, ir.Undefined), zeros)


def _all_filled(context, builder, sig, args, lanes):
    return [_filled(context, builder, value, kind, lanes) for value, kind in zip(args, sig.args)]


@lower_builtin(spread, types.Float)
def _spread(context, builder, sig, args):
    return _filled(context, builder, args[0], sig.args[0], sig.return_type)


@lower_builtin(ramp, types.Float)
def _ramp(context, builder, sig, args):
    first = _spread(context, builder, sig, args)
    return builder.fadd(first, ir.Constant(first.type, [float(i) for i in range(sig.return_type.count)]))


@lower_builtin(where, Mask, types.Any, types.Any)
def _where(context, builder, sig, args):
    inside, outside = (
        _filled(context, builder, value, kind, sig.return_type) for value, kind in zip(args[1:], sig.args[1:])
    )
    return builder.select(args[0], inside, outside)


@lower_builtin(bits, types.VarArg(Mask))
def _bits(context, builder, sig, args):
    found, place, number = ir.IntType(64)(0), 0, ir.IntType(64)
    for mask, kind in zip(args, sig.args):
        here = builder.zext(builder.bitcast(mask, ir.IntType(kind.count)), number)
        found, place = builder.or_(found, builder.shl(here, number(place))), place + kind.count
    return found


@lower_builtin(first_of, types.Integer)
def _first_of(context, builder, sig, args):
    return builder.cttz(context.cast(builder, args[0], sig.args[0], types.int64), ir.IntType(1)(0))


@lower_builtin(count_of, types.Integer)
def _count_of(context, builder, sig, args):
    return builder.ctpop(context.cast(builder, args[0], sig.args[0], types.int64))


@lower_builtin(lowest, Lanes)
def _lowest(context, builder, sig, args):
    return _folded(builder, args[0], lambda low, high: builder.select(builder.fcmp_ordered("<", low, high), low, high))


@lower_builtin(size, Lanes)
def _size(context, builder, sig, args):
    vector = args[0].type
    name = f"llvm.fabs.v{vector.count}f{sig.return_type.dtype.bitwidth}"
    return builder.call(cgutils.get_or_insert_function(builder.module, ir.FunctionType(vector, [vector]), name), args)


def _folded(builder, lanes, combine):
    """Combine the halves of the lanes until one is left."""
    count = lanes.type.count
    while count > 1:
        count //= 2
        low, high = (
            builder.shuffle_vector(lanes, lanes, ir.VectorType(ir.IntType(32), count)(list(range(i, i + count))))
            for i in (0, count)
        )
        lanes = combine(low, high)
    return builder.extract_element(lanes, ir.IntType(32)(0))


@lower_builtin(fused, types.Any, types.Any, types.Any)
def _fused(context, builder, sig, args):
    vector = _vector(sig.return_type)
    name = f"llvm.fmuladd.v{vector.count}f{sig.return_type.dtype.bitwidth}"
    function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(vector, [vector] * 3), name)
    return builder.call(function, _all_filled(context, builder, sig, args, sig.return_type))


@lower_builtin(total, Lanes)
def _total(context, builder, sig, args):
    (lanes,) = args
    if sig.args[0].dtype is types.float32:
        lanes = builder.fpext(lanes, ir.VectorType(ir.DoubleType(), lanes.type.count))
    return _folded(builder, lanes, builder.fadd)


@lower_builtin(each, types.VarArg(types.Any))
def _each(context, builder, sig, args):
    function, kinds = sig.args[0], sig.args[1:]
    call = context.get_function(function, _signature(context.typing_context, function, kinds))
    parts = []
    for c in range(_n_channels(kinds)):
        values = (
            builder.extract_value(value, c) if isinstance(kind, types.UniTuple) else value
            for value, kind in zip(args[1:], kinds)
        )
        parts.append(call(builder, list(values)))
    return context.make_tuple(builder, sig.return_type, parts)


@lower_builtin(together, types.UniTuple)
def _together(context, builder, sig, args):
    parts = (builder.extract_value(args[0], c) for c in range(len(sig.args[0])))
    return functools.reduce(builder.fadd, parts)


def _tell_operator(function, lower, gives):
    """Register an operator of lanes with lanes or with a number."""

    @_types_of(function)
    def _(context, one, other):
        kinds = [kind for kind in (one, other) if isinstance(kind, Lanes)]
        return gives(kinds[0]) if kinds else None

    def lowered(context, builder, sig, args):
        lanes = next(kind for kind in sig.args if isinstance(kind, Lanes))
        return lower(builder, *_all_filled(context, builder, sig, args, lanes))

    for kinds in ((Lanes, Lanes), (Lanes, types.Float), (types.Float, Lanes)):
        lower_builtin(function, *kinds)(lowered)


_tell_operator(operator.add, ir.IRBuilder.fadd, lambda lanes: lanes)
_tell_operator(operator.sub, ir.IRBuilder.fsub, lambda lanes: lanes)
_tell_operator(operator.mul, ir.IRBuilder.fmul, lambda lanes: lanes)
for _function, _sign in (
    (operator.le, "<="),
    (operator.lt, "<"),
    (operator.ge, ">="),
    (operator.gt, ">"),
    (operator.eq, "=="),
):
    _tell_operator(
        _function,
        lambda builder, one, other, sign=_sign: builder.fcmp_ordered(sign, one, other),
        lambda lanes: Mask(lanes.count),
    )


@_types_of(operator.and_)
@_types_of(operator.or_)
def _(context, one, other):
    return one if isinstance(one, Mask) and one == other else None


@lower_builtin(operator.and_, Mask, Mask)
def _and(context, builder, sig, args):
    return builder.and_(*args)


@lower_builtin(operator.or_, Mask, Mask)
def _or(context, builder, sig, args):
    return builder.or_(*args)
