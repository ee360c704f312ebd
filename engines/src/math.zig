//! The functions of <math.h> that the engines use and that are no wasm operator, from the standard library of
//! the compiler: ports of musl, the same bits on every machine.

const std = @import("std").math;

comptime {
    for (.{
        "acos", "acosh", "asin", "asinh", "atan", "atanh", "cbrt", "cosh", "expm1", "log1p", "sinh", "tanh",
    }) |name| {
        @export(&one(name).call, .{ .name = name });
    }
}

fn one(comptime name: []const u8) type {
    return struct {
        fn call(x: f64) callconv(.c) f64 {
            return @field(std, name)(x);
        }
    };
}

export fn atan2(y: f64, x: f64) f64 {
    return std.atan2(y, x);
}

export fn hypot(x: f64, y: f64) f64 {
    return std.hypot(x, y);
}

export fn pow(x: f64, y: f64) f64 {
    return std.pow(f64, x, y);
}

export fn scalbn(x: f64, n: c_int) f64 {
    return std.scalbn(x, n);
}

export fn ldexp(x: f64, n: c_int) f64 {
    return std.ldexp(x, n);
}

export fn frexp(x: f64, exponent: *c_int) f64 {
    const parts = std.frexp(x);
    exponent.* = parts.exponent;
    return parts.significand;
}

/// To the nearest integer, halves to even, whatever the machine's mode is: wasm knows no other.
export fn lrint(x: f64) c_long {
    return @intFromFloat(@as(f64, nearest(x)));
}

fn nearest(x: f64) f64 {
    const shift: f64 = 1 << 52;
    if (!(@abs(x) < shift)) return x;
    return std.copysign(@abs(x) + shift - shift, x);
}
