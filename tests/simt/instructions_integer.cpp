// Integer instructions against C++ arithmetic of 128 bits, bit by bit.
#include <algorithm>
#include <functional>
#include <string>

#include "catch.h"
#include "instructions_fixture.h"

using namespace agon::simt;
using namespace agon::simt::instruction_test;

namespace {

using U32 = std::uint32_t;
using U64 = std::uint64_t;
using S32 = std::int32_t;
using S64 = std::int64_t;
using Expect = std::function<U64(U64, U64, U64)>;

// `body` leaves its result in %y0 (32 bits), %h3 (16) or %r (64): `result` moves it there.
void same(const std::string& body, const Expect& expect, const std::string& result = "cvt.u64.u32 %r, %y0;") {
  INFO(body);
  for (U64 seed = 1; seed <= 4; ++seed) {
    const std::vector<U64> in = edge_operands(seed * 7919, 64);
    const Outcome outcome = run_body(body + "\n" + result, in, {64, 1, seed});
    INFO(texts(outcome.result));
    REQUIRE(outcome.result.completed);
    REQUIRE(outcome.result.reports.empty());
    for (std::size_t i = 0; i < 64; ++i) {
      INFO("operands " << in[3 * i] << ", " << in[3 * i + 1] << ", " << in[3 * i + 2]);
      REQUIRE(outcome.out[i] == expect(in[3 * i], in[3 * i + 1], in[3 * i + 2]));
    }
  }
}
const std::string wide = "";
const std::string narrow = "cvt.u32.u16 %y0, %h3; cvt.u64.u32 %r, %y0;";

S32 s32(U64 a) {
  return static_cast<S32>(a);
}
U32 u32(U64 a) {
  return static_cast<U32>(a);
}
S64 s64(U64 a) {
  return static_cast<S64>(a);
}
std::int16_t s16(U64 a) {
  return static_cast<std::int16_t>(a);
}
std::uint16_t u16(U64 a) {
  return static_cast<std::uint16_t>(a);
}
__int128_t sw(U64 a) {
  return s64(a);
}
__uint128_t uw(U64 a) {
  return a;
}

}  // namespace

// Broken: sums, differences and their wrapping at every width.
TEST_CASE("add, sub, neg, abs, min, max", "[instructions]") {
  same("add.u32 %y0, %x0, %x1;", [](U64 a, U64 b, U64) { return u32(a + b); });
  same("sub.s32 %y0, %x0, %x1;", [](U64 a, U64 b, U64) { return u32(a - b); });
  same(
      "add.s64 %r, %a0, %a1;", [](U64 a, U64 b, U64) { return a + b; }, wide);
  same(
      "sub.s64 %r, %a0, %a1;", [](U64 a, U64 b, U64) { return a - b; }, wide);
  same(
      "add.s16 %h3, %h0, %h1;", [](U64 a, U64 b, U64) { return u16(a + b); }, narrow);
  same(
      "sub.u16 %h3, %h0, %h1;", [](U64 a, U64 b, U64) { return u16(a - b); }, narrow);
  same("add.sat.s32 %y0, %x0, %x1;", [](U64 a, U64 b, U64) {
    return u32(static_cast<U64>(std::clamp<S64>(S64{s32(a)} + s32(b), INT32_MIN, INT32_MAX)));
  });
  same("sub.sat.s32 %y0, %x0, %x1;", [](U64 a, U64 b, U64) {
    return u32(static_cast<U64>(std::clamp<S64>(S64{s32(a)} - s32(b), INT32_MIN, INT32_MAX)));
  });
  same("neg.s32 %y0, %x0;", [](U64 a, U64, U64) { return u32(0 - a); });
  same(
      "neg.s64 %r, %a0;", [](U64 a, U64, U64) { return 0 - a; }, wide);
  same("abs.s32 %y0, %x0;", [](U64 a, U64, U64) { return s32(a) < 0 ? u32(0 - a) : u32(a); });
  same(
      "abs.s64 %r, %a0;", [](U64 a, U64, U64) { return s64(a) < 0 ? 0 - a : a; }, wide);
  same(
      "abs.s16 %h3, %h0;", [](U64 a, U64, U64) { return s16(a) < 0 ? u16(0 - a) : u16(a); }, narrow);
  same("min.s32 %y0, %x0, %x1;",
       [](U64 a, U64 b, U64) { return u32(static_cast<U64>(std::min(s32(a), s32(b)))); });
  same("min.u32 %y0, %x0, %x1;", [](U64 a, U64 b, U64) { return std::min(u32(a), u32(b)); });
  same("max.s32 %y0, %x0, %x1;",
       [](U64 a, U64 b, U64) { return u32(static_cast<U64>(std::max(s32(a), s32(b)))); });
  same(
      "max.u64 %r, %a0, %a1;", [](U64 a, U64 b, U64) { return std::max(a, b); }, wide);
  same(
      "min.s64 %r, %a0, %a1;", [](U64 a, U64 b, U64) { return static_cast<U64>(std::min(s64(a), s64(b))); },
      wide);
  same(
      "max.s16 %h3, %h0, %h1;",
      [](U64 a, U64 b, U64) { return u16(static_cast<U64>(std::max(s16(a), s16(b)))); }, narrow);
  same(
      "min.u16 %h3, %h0, %h1;", [](U64 a, U64 b, U64) { return std::min(u16(a), u16(b)); }, narrow);
}

// Broken: the halves of products, their signs, and the sum that a mad adds.
TEST_CASE("mul, mad, mul24, sad", "[instructions]") {
  same("mul.lo.u32 %y0, %x0, %x1;", [](U64 a, U64 b, U64) { return u32(a * b); });
  same("mul.hi.u32 %y0, %x0, %x1;", [](U64 a, U64 b, U64) { return U64{u32(a)} * u32(b) >> 32; });
  same("mul.hi.s32 %y0, %x0, %x1;",
       [](U64 a, U64 b, U64) { return u32(static_cast<U64>(S64{s32(a)} * s32(b) >> 32)); });
  same(
      "mul.wide.u32 %r, %x0, %x1;", [](U64 a, U64 b, U64) { return U64{u32(a)} * u32(b); }, wide);
  same(
      "mul.wide.s32 %r, %x0, %x1;", [](U64 a, U64 b, U64) { return static_cast<U64>(S64{s32(a)} * s32(b)); },
      wide);
  same("mul.wide.s16 %y0, %h0, %h1;",
       [](U64 a, U64 b, U64) { return u32(static_cast<U64>(s16(a) * s16(b))); });
  same("mul.wide.u16 %y0, %h0, %h1;", [](U64 a, U64 b, U64) { return U32{u16(a)} * u16(b); });
  same(
      "mul.lo.s16 %h3, %h0, %h1;", [](U64 a, U64 b, U64) { return u16(a * b); }, narrow);
  same(
      "mul.hi.s16 %h3, %h0, %h1;",
      [](U64 a, U64 b, U64) { return u16(static_cast<U64>(s16(a) * s16(b) >> 16)); }, narrow);
  same(
      "mul.lo.s64 %r, %a0, %a1;", [](U64 a, U64 b, U64) { return a * b; }, wide);
  same(
      "mul.hi.u64 %r, %a0, %a1;", [](U64 a, U64 b, U64) { return static_cast<U64>(uw(a) * b >> 64); }, wide);
  same(
      "mul.hi.s64 %r, %a0, %a1;", [](U64 a, U64 b, U64) { return static_cast<U64>(sw(a) * s64(b) >> 64); },
      wide);
  same("mad.lo.s32 %y0, %x0, %x1, %x2;", [](U64 a, U64 b, U64 c) { return u32(a * b + c); });
  same("mad.hi.u32 %y0, %x0, %x1, %x2;",
       [](U64 a, U64 b, U64 c) { return u32((U64{u32(a)} * u32(b) >> 32) + c); });
  same("mad.hi.s32 %y0, %x0, %x1, %x2;",
       [](U64 a, U64 b, U64 c) { return u32(static_cast<U64>(S64{s32(a)} * s32(b) >> 32) + c); });
  same(
      "mad.wide.s32 %r, %x0, %x1, %a2;",
      [](U64 a, U64 b, U64 c) { return static_cast<U64>(S64{s32(a)} * s32(b)) + c; }, wide);
  same(
      "mad.wide.u32 %r, %x0, %x1, %a2;", [](U64 a, U64 b, U64 c) { return U64{u32(a)} * u32(b) + c; }, wide);
  same("mad.wide.u16 %y0, %h0, %h1, %x2;", [](U64 a, U64 b, U64 c) { return u32(U32{u16(a)} * u16(b) + c); });
  same(
      "mad.lo.u16 %h3, %h0, %h1, %h2;", [](U64 a, U64 b, U64 c) { return u16(a * b + c); }, narrow);
  same(
      "mad.lo.u64 %r, %a0, %a1, %a2;", [](U64 a, U64 b, U64 c) { return a * b + c; }, wide);
  same(
      "mad.hi.s64 %r, %a0, %a1, %a2;",
      [](U64 a, U64 b, U64 c) { return static_cast<U64>(sw(a) * s64(b) >> 64) + c; }, wide);
  const auto s24 = [](U64 a) { return S64{s32(a << 8) >> 8}; };
  same("mul24.lo.s32 %y0, %x0, %x1;",
       [=](U64 a, U64 b, U64) { return u32(static_cast<U64>(s24(a) * s24(b))); });
  same("mul24.hi.s32 %y0, %x0, %x1;",
       [=](U64 a, U64 b, U64) { return u32(static_cast<U64>(s24(a) * s24(b) >> 16)); });
  same("mad24.lo.u32 %y0, %x0, %x1, %x2;",
       [](U64 a, U64 b, U64 c) { return u32((a & 0xffffff) * (b & 0xffffff) + c); });
  same("sad.s32 %y0, %x0, %x1, %x2;", [](U64 a, U64 b, U64 c) {
    return u32(static_cast<U64>(s32(a) > s32(b) ? S64{s32(a)} - s32(b) : S64{s32(b)} - s32(a)) + c);
  });
  same("sad.u32 %y0, %x0, %x1, %x2;",
       [](U64 a, U64 b, U64 c) { return u32(U64{std::max(u32(a), u32(b))} - std::min(u32(a), u32(b)) + c); });
}

// Broken: division of negative numbers, and what a zero divisor gives.
TEST_CASE("div and rem", "[instructions]") {
  same("div.s32 %y0, %x0, %x1;",
       [](U64 a, U64 b, U64) { return u32(b) == 0 ? ~U32{0} : u32(static_cast<U64>(S64{s32(a)} / s32(b))); });
  same("div.u32 %y0, %x0, %x1;", [](U64 a, U64 b, U64) { return u32(b) == 0 ? ~U32{0} : u32(a) / u32(b); });
  same("rem.s32 %y0, %x0, %x1;",
       [](U64 a, U64 b, U64) { return u32(b) == 0 ? u32(a) : u32(static_cast<U64>(S64{s32(a)} % s32(b))); });
  same("rem.u32 %y0, %x0, %x1;", [](U64 a, U64 b, U64) { return u32(b) == 0 ? u32(a) : u32(a) % u32(b); });
  same(
      "div.u64 %r, %a0, %a1;", [](U64 a, U64 b, U64) { return b == 0 ? ~U64{0} : a / b; }, wide);
  same(
      "div.s64 %r, %a0, %a1;",
      [](U64 a, U64 b, U64) { return b == 0 ? ~U64{0} : static_cast<U64>(sw(a) / s64(b)); }, wide);
  same(
      "rem.s64 %r, %a0, %a1;",
      [](U64 a, U64 b, U64) { return b == 0 ? a : static_cast<U64>(sw(a) % s64(b)); }, wide);
  same(
      "div.s16 %h3, %h0, %h1;",
      [](U64 a, U64 b, U64) { return u16(b) == 0 ? u16(~0) : u16(static_cast<U64>(s16(a) / s16(b))); },
      narrow);
}

// Broken: carries between the words of wide sums and products.
TEST_CASE("add.cc, addc, sub.cc, subc, mad.cc, madc", "[instructions]") {
  same(
      "mov.b64 {%y1, %y2}, %a0; mov.b64 {%y3, %y4}, %a1; add.cc.u32 %y5, %y1, %y3; addc.u32 %y6, %y2, %y4; "
      "mov.b64 %r, {%y5, %y6};",
      [](U64 a, U64 b, U64) { return a + b; }, wide);
  same(
      "mov.b64 {%y1, %y2}, %a0; mov.b64 {%y3, %y4}, %a1; sub.cc.u32 %y5, %y1, %y3; subc.u32 %y6, %y2, %y4; "
      "mov.b64 %r, {%y5, %y6};",
      [](U64 a, U64 b, U64) { return a - b; }, wide);
  // {high, low} of a 64-bit product and a 128-bit sum: the high word.
  same(
      "mad.lo.cc.u64 %q0, %a0, %a1, %a2; madc.hi.u64 %r, %a0, %a1, 0;",
      [](U64 a, U64 b, U64 c) { return static_cast<U64>((uw(a) * b + c) >> 64); }, wide);
  same("mad.lo.cc.u32 %y1, %x0, %x1, %x2; madc.hi.u32 %y0, %x0, %x1, 0;",
       [](U64 a, U64 b, U64 c) { return (U64{u32(a)} * u32(b) + u32(c)) >> 32; });
}

// Broken: the order of operands and bytes in bit fields, permutations and funnel shifts.
TEST_CASE("logic, shifts and bit fields", "[instructions]") {
  same("and.b32 %y0, %x0, %x1;", [](U64 a, U64 b, U64) { return u32(a & b); });
  same(
      "or.b64 %r, %a0, %a1;", [](U64 a, U64 b, U64) { return a | b; }, wide);
  same("xor.b32 %y0, %x0, %x1;", [](U64 a, U64 b, U64) { return u32(a ^ b); });
  same(
      "not.b64 %r, %a0;", [](U64 a, U64, U64) { return ~a; }, wide);
  same(
      "not.b16 %h3, %h0;", [](U64 a, U64, U64) { return u16(~a); }, narrow);
  same("cnot.b32 %y0, %x0;", [](U64 a, U64, U64) { return U64{u32(a) == 0}; });
  for (int table : {0x96, 0xf8, 0xca, 0xe8, 0x1b, 0xfe, 0x00, 0xff})
    same("lop3.b32 %y0, %x0, %x1, %x2, " + std::to_string(table) + ";", [table](U64 a, U64 b, U64 c) {
      U32 r = 0;
      for (int i = 0; i < 32; ++i)
        r |= static_cast<U32>(table >> ((a >> i & 1) << 2 | (b >> i & 1) << 1 | (c >> i & 1)) & 1) << i;
      return r;
    });
  same("shl.b32 %y0, %x0, %x1;", [](U64 a, U64 b, U64) { return u32(b) < 32 ? u32(a << u32(b)) : 0; });
  same("shr.u32 %y0, %x0, %x1;", [](U64 a, U64 b, U64) { return u32(b) < 32 ? u32(a) >> u32(b) : 0; });
  same("shr.s32 %y0, %x0, %x1;",
       [](U64 a, U64 b, U64) { return u32(static_cast<U64>(s32(a) >> std::min(u32(b), 31u))); });
  same(
      "shl.b64 %r, %a0, %x1;", [](U64 a, U64 b, U64) { return u32(b) < 64 ? a << u32(b) : 0; }, wide);
  same(
      "shr.s64 %r, %a0, %x1;",
      [](U64 a, U64 b, U64) { return static_cast<U64>(s64(a) >> std::min(u32(b), 63u)); }, wide);
  same(
      "shr.s16 %h3, %h0, %x1;",
      [](U64 a, U64 b, U64) { return u16(static_cast<U64>(s16(a) >> std::min(u32(b), 15u))); }, narrow);
  same(
      "shl.b16 %h3, %h0, %x1;", [](U64 a, U64 b, U64) { return u32(b) < 16 ? u16(a << u32(b)) : u16(0); },
      narrow);
  const auto both = [](U64 a, U64 b) { return (b & 0xffffffff) << 32 | (a & 0xffffffff); };
  same("shf.l.wrap.b32 %y0, %x0, %x1, %x2;",
       [=](U64 a, U64 b, U64 c) { return u32((both(a, b) << (c & 31)) >> 32); });
  same("shf.r.wrap.b32 %y0, %x0, %x1, %x2;",
       [=](U64 a, U64 b, U64 c) { return u32(both(a, b) >> (c & 31)); });
  same("shf.l.clamp.b32 %y0, %x0, %x1, %x2;",
       [=](U64 a, U64 b, U64 c) { return u32((both(a, b) << std::min(u32(c), 32u)) >> 32); });
  same("shf.r.clamp.b32 %y0, %x0, %x1, %x2;",
       [=](U64 a, U64 b, U64 c) { return u32(both(a, b) >> std::min(u32(c), 32u)); });
  same("prmt.b32 %y0, %x0, %x1, %x2;", [=](U64 a, U64 b, U64 c) {
    U32 r = 0;
    for (int i = 0; i < 4; ++i) {
      const U32 pick = u32(c) >> (4 * i) & 15, byte = u32(both(a, b) >> (8 * (pick & 7))) & 255;
      r |= (pick & 8 ? (byte & 128 ? 255u : 0u) : byte) << (8 * i);
    }
    return r;
  });
  same("prmt.b32 %y0, %x0, %x1, 0x5410;",
       [=](U64 a, U64 b, U64) { return u32((a & 0xffff) | (b & 0xffff) << 16); });
  same("prmt.b32.f4e %y0, %x0, %x1, %x2;",
       [=](U64 a, U64 b, U64 c) { return u32(both(a, b) >> (8 * (c & 3))); });
  same("prmt.b32.rc8 %y0, %x0, %x1, %x2;",
       [](U64 a, U64, U64 c) { return (u32(a) >> (8 * (c & 3)) & 255) * 0x01010101u; });
  same("popc.b32 %y0, %x0;", [](U64 a, U64, U64) { return static_cast<U64>(std::popcount(u32(a))); });
  same("popc.b64 %y0, %a0;", [](U64 a, U64, U64) { return static_cast<U64>(std::popcount(a)); });
  same("clz.b32 %y0, %x0;", [](U64 a, U64, U64) { return static_cast<U64>(std::countl_zero(u32(a))); });
  same("clz.b64 %y0, %a0;", [](U64 a, U64, U64) { return static_cast<U64>(std::countl_zero(a)); });
  same("brev.b32 %y0, %x0;", [](U64 a, U64, U64) {
    U32 r = 0;
    for (int i = 0; i < 32; ++i) r |= u32(a >> i & 1) << (31 - i);
    return r;
  });
  same("bfind.u32 %y0, %x0;",
       [](U64 a, U64, U64) { return u32(static_cast<U64>(31 - std::countl_zero(u32(a)))); });
  same("bfind.s32 %y0, %x0;", [](U64 a, U64, U64) {
    const U32 v = s32(a) < 0 ? ~u32(a) : u32(a);
    return u32(static_cast<U64>(31 - std::countl_zero(v)));
  });
  same("bfe.u32 %y0, %x0, %x1, %x2;", [](U64 a, U64 b, U64 c) {
    const U64 pos = b & 255, len = c & 255;
    U32 r = 0;
    for (U64 i = 0; i < std::min<U64>(len, 32); ++i) r |= (pos + i < 32 ? u32(a >> (pos + i) & 1) : 0) << i;
    return r;
  });
  same("bfe.s32 %y0, %x0, %x1, %x2;", [](U64 a, U64 b, U64 c) {
    const U64 pos = b & 255, len = c & 255;
    const U32 sign = len == 0 ? 0 : u32(a) >> std::min<U64>(pos + len - 1, 31) & 1;
    U32 r = 0;
    for (U64 i = 0; i < 32; ++i) r |= (i < len && pos + i <= 31 ? u32(a >> (pos + i) & 1) : sign) << i;
    return r;
  });
  same("bfi.b32 %y0, %x0, %x1, %x2, 5;", [](U64 a, U64 b, U64 c) {
    U32 r = u32(b);
    for (U64 i = 0; i < 5; ++i)
      if ((c & 255) + i < 32) r = (r & ~(1u << ((c & 255) + i))) | u32(a >> i & 1) << ((c & 255) + i);
    return r;
  });
  same("dp4a.s32.s32 %y0, %x0, %x1, %x2;", [](U64 a, U64 b, U64 c) {
    U32 r = u32(c);
    for (int i = 0; i < 4; ++i)
      r += static_cast<U32>(static_cast<std::int8_t>(a >> 8 * i) * static_cast<std::int8_t>(b >> 8 * i));
    return r;
  });
  same("dp4a.u32.s32 %y0, %x0, %x1, %x2;", [](U64 a, U64 b, U64 c) {
    U32 r = u32(c);
    for (int i = 0; i < 4; ++i)
      r += static_cast<U32>(static_cast<std::uint8_t>(a >> 8 * i) * static_cast<std::int8_t>(b >> 8 * i));
    return r;
  });
  same("dp2a.hi.s32.u32 %y0, %x0, %x1, %x2;", [](U64 a, U64 b, U64 c) {
    U32 r = u32(c);
    for (int i = 0; i < 2; ++i)
      r += static_cast<U32>(s16(a >> 16 * i) * static_cast<std::uint8_t>(b >> (16 + 8 * i)));
    return r;
  });
}

// Broken: a comparison's result, its combination with a predicate, and what selects by it.
TEST_CASE("setp, set, selp, slct and predicates", "[instructions]") {
  const auto flag = "selp.b32 %y0, 1, 0, %p0;";
  same(std::string("setp.lt.s32 %p0, %x0, %x1;") + flag,
       [](U64 a, U64 b, U64) { return U64{s32(a) < s32(b)}; });
  same(std::string("setp.lo.u32 %p0, %x0, %x1;") + flag,
       [](U64 a, U64 b, U64) { return U64{u32(a) < u32(b)}; });
  same(std::string("setp.hs.u64 %p0, %a0, %a1;") + flag, [](U64 a, U64 b, U64) { return U64{a >= b}; });
  same(std::string("setp.ge.s64 %p0, %a0, %a1;") + flag,
       [](U64 a, U64 b, U64) { return U64{s64(a) >= s64(b)}; });
  same(std::string("setp.ne.s16 %p0, %h0, %h1;") + flag,
       [](U64 a, U64 b, U64) { return U64{u16(a) != u16(b)}; });
  same(std::string(
           "setp.gt.s32 %p1, %x1, %x2; setp.le.and.s32 %p0|%p2, %x0, %x1, %p1; selp.b32 %y1, 2, 0, %p2;") +
           flag + "or.b32 %y0, %y0, %y1;",
       [](U64 a, U64 b, U64 c) {
         const bool first = s32(b) > s32(c), compare = s32(a) <= s32(b);
         return U64{compare && first} | U64{!compare && first} << 1;
       });
  same(std::string(
           "setp.eq.u32 %p1, %x1, %x2; setp.lt.u32 %p2, %x0, %x1; xor.pred %p3, %p1, %p2; not.pred %p4, %p3;"
           "or.pred %p5, %p4, %p1; and.pred %p0, %p5, %p4;") +
           flag,
       [](U64 a, U64 b, U64 c) {
         const bool p1 = u32(b) == u32(c), p2 = u32(a) < u32(b), p4 = !(p1 != p2);
         return U64{(p4 || p1) && p4};
       });
  same("set.gt.u32.s32 %y0, %x0, %x1;", [](U64 a, U64 b, U64) { return s32(a) > s32(b) ? ~U32{0} : 0; });
  same("set.eq.f32.u32 %e0, %x0, %x1; mov.b32 %y0, %e0;",
       [](U64 a, U64 b, U64) { return u32(a) == u32(b) ? bits(1.0f) : 0; });
  same("slct.s32.s32 %y0, %x0, %x1, %x2;", [](U64 a, U64 b, U64 c) { return s32(c) >= 0 ? u32(a) : u32(b); });
  // A guard leaves the other lanes' registers alone.
  same(
      "mov.b32 %y0, %x1; setp.lt.s32 %p0, %x0, 0; @%p0 add.u32 %y0, %x0, 1; @!%p0 bra DONE; add.u32 %y0, "
      "%y0, 1; DONE:",
      [](U64 a, U64 b, U64) { return s32(a) < 0 ? u32(a + 2) : u32(b); });
}
