"""The functions of `_lanes` as instructions of the processor."""

import functools
import operator

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import signature
from numba.extending import lower_builtin
from numba.np import arrayobj

from classicseg._kernels.cpu import _lanes_meaning as meaning
from classicseg._kernels.cpu._lanes_types import Lanes, Mask, n_channels, signature_of_each, types_of, vector_of


def _pointer(context, builder, array, values, at, vector):
    data = arrayobj.make_array(array)(context, builder, values).data
    return builder.bitcast(builder.gep(data, [at]), vector.as_pointer())


@lower_builtin(meaning.load, types.Array, types.Integer)
def _load(context, builder, sig, args):
    vector = vector_of(sig.return_type)
    pointer = _pointer(context, builder, sig.args[0], args[0], args[1], vector)
    return builder.load(pointer, align=sig.args[0].dtype.bitwidth // 8)


@lower_builtin(meaning.spread_from, types.Array, types.Integer)
def _spread_from(context, builder, sig, args):
    data = arrayobj.make_array(sig.args[0])(context, builder, args[0]).data
    return _filled(context, builder, builder.load(builder.gep(data, [args[1]])), sig.args[0].dtype, sig.return_type)


@lower_builtin(meaning.load_wide, types.Array, types.Integer)
def _load_wide(context, builder, sig, args):
    pointer = _pointer(context, builder, sig.args[0], args[0], args[1], ir.VectorType(ir.FloatType(), meaning.WIDE))
    return builder.fpext(builder.load(pointer, align=4), vector_of(sig.return_type))


@lower_builtin(meaning.load_as, types.Array, types.Array, types.Integer)
def _load_as(context, builder, sig, args):
    lower = _load if sig.return_type.dtype is types.float32 else _load_wide
    return lower(context, builder, signature(sig.return_type, *sig.args[1:]), args[1:])


@lower_builtin(meaning.store, types.Array, types.Integer, Lanes)
def _store(context, builder, sig, args):
    pointer = _pointer(context, builder, sig.args[0], args[0], args[1], vector_of(sig.args[2]))
    builder.store(args[2], pointer, align=sig.args[0].dtype.bitwidth // 8)
    return context.get_dummy_value()


def _filled(context, builder, value, kind, lanes):
    """`value` of type `kind` as lanes."""
    if isinstance(kind, Lanes):
        return value
    vector = vector_of(lanes)
    number = context.cast(builder, value, kind, lanes.dtype)
    one = builder.insert_element(ir.Constant(vector, ir.Undefined), number, ir.IntType(32)(0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), lanes.count), None)
    return builder.shuffle_vector(one, ir.Constant(vector, ir.Undefined), zeros)


def _all_filled(context, builder, sig, args, lanes):
    return [_filled(context, builder, value, kind, lanes) for value, kind in zip(args, sig.args)]


@lower_builtin(meaning.spread, types.Float)
def _spread(context, builder, sig, args):
    return _filled(context, builder, args[0], sig.args[0], sig.return_type)


@lower_builtin(meaning.ramp, types.Float)
def _ramp(context, builder, sig, args):
    first = _spread(context, builder, sig, args)
    return builder.fadd(first, ir.Constant(first.type, [float(i) for i in range(sig.return_type.count)]))


@lower_builtin(meaning.where, Mask, types.Any, types.Any)
def _where(context, builder, sig, args):
    inside, outside = (
        _filled(context, builder, value, kind, sig.return_type) for value, kind in zip(args[1:], sig.args[1:])
    )
    return builder.select(args[0], inside, outside)


@lower_builtin(meaning.bits, types.VarArg(Mask))
def _bits(context, builder, sig, args):
    found, place, number = ir.IntType(64)(0), 0, ir.IntType(64)
    for mask, kind in zip(args, sig.args):
        here = builder.zext(builder.bitcast(mask, ir.IntType(kind.count)), number)
        found, place = builder.or_(found, builder.shl(here, number(place))), place + kind.count
    return found


@lower_builtin(meaning.first_of, types.Integer)
def _first_of(context, builder, sig, args):
    return builder.cttz(context.cast(builder, args[0], sig.args[0], types.int64), ir.IntType(1)(0))


@lower_builtin(meaning.count_of, types.Integer)
def _count_of(context, builder, sig, args):
    return builder.ctpop(context.cast(builder, args[0], sig.args[0], types.int64))


@lower_builtin(meaning.lowest, Lanes)
def _lowest(context, builder, sig, args):
    return _folded(builder, args[0], lambda low, high: builder.select(builder.fcmp_ordered("<", low, high), low, high))


@lower_builtin(meaning.size, Lanes)
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


@lower_builtin(meaning.fused, types.Any, types.Any, types.Any)
def _fused(context, builder, sig, args):
    vector = vector_of(sig.return_type)
    name = f"llvm.fmuladd.v{vector.count}f{sig.return_type.dtype.bitwidth}"
    function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(vector, [vector] * 3), name)
    return builder.call(function, _all_filled(context, builder, sig, args, sig.return_type))


@lower_builtin(meaning.total, Lanes)
def _total(context, builder, sig, args):
    (lanes,) = args
    if sig.args[0].dtype is types.float32:
        lanes = builder.fpext(lanes, ir.VectorType(ir.DoubleType(), lanes.type.count))
    return _folded(builder, lanes, builder.fadd)


@lower_builtin(meaning.each, types.VarArg(types.Any))
def _each(context, builder, sig, args):
    function, kinds = sig.args[0], sig.args[1:]
    call = context.get_function(function, signature_of_each(context.typing_context, function, kinds))
    parts = []
    for c in range(n_channels(kinds)):
        values = (
            builder.extract_value(value, c) if isinstance(kind, types.UniTuple) else value
            for value, kind in zip(args[1:], kinds)
        )
        parts.append(call(builder, list(values)))
    return context.make_tuple(builder, sig.return_type, parts)


@lower_builtin(meaning.together, types.UniTuple)
def _together(context, builder, sig, args):
    parts = (builder.extract_value(args[0], c) for c in range(len(sig.args[0])))
    return functools.reduce(builder.fadd, parts)


def _tell_operator(function, lower, gives):
    """Register an operator of lanes with lanes or with a number."""

    @types_of(function)
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


@types_of(operator.and_)
@types_of(operator.or_)
def _(context, one, other):
    return one if isinstance(one, Mask) and one == other else None


@lower_builtin(operator.and_, Mask, Mask)
def _and(context, builder, sig, args):
    return builder.and_(*args)


@lower_builtin(operator.or_, Mask, Mask)
def _or(context, builder, sig, args):
    return builder.or_(*args)
