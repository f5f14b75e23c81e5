// mma.sync of every shape and type: fragments laid out as the PTX manual says, against sums of doubles.
#include <cmath>
#include <functional>
#include <string>

#include "catch.h"
#include "instructions_fixture.h"

using namespace agon::simt;
using namespace agon::simt::instruction_test;

namespace {

using U32 = std::uint32_t;
using U64 = std::uint64_t;

// An element type of A and B: bits of it, how many a register holds, and the value of an integer -3..3 in it.
struct Element {
  const char* name;
  int per;
  U32 (*bits_of)(int);
};
U32 as_tf32(int v) {
  return static_cast<U32>(bits(static_cast<float>(v)));
}
U32 as_bf16(int v) {
  return static_cast<U32>(bits(static_cast<float>(v)) >> 16);
}
U32 as_f16(int v) {
  const U32 table[] = {0xc200, 0xc000, 0xbc00, 0, 0x3c00, 0x4000, 0x4200};
  return table[v + 3];
}
U32 as_s8(int v) {
  return static_cast<std::uint8_t>(v);
}

struct Case {
  const char* instruction;
  Element element;
  int k;
  bool half_result = false, integer = false;
};

int value(int row, int column, int salt) {
  return static_cast<int>((static_cast<U32>(row * 37 + column * 101 + salt) * 2654435761u >> 20) % 7) - 3;
}

// Registers of lane `lane`, from the manual's formulas: A's register r holds row g (+ 8 where r is odd),
// columns per * t + e (+ 4 per for each two registers); B's row and column the other way round.
U32 a_register(const Element& e, int lane, int r) {
  U32 out = 0;
  for (int i = 0; i < e.per; ++i)
    out |= e.bits_of(value(lane / 4 + 8 * (r & 1), lane % 4 * e.per + i + (r >> 1) * 4 * e.per, 1))
           << (32 / e.per * i) % 32;
  return out;
}
U32 b_register(const Element& e, int lane, int r) {
  U32 out = 0;
  for (int i = 0; i < e.per; ++i)
    out |= e.bits_of(value(lane % 4 * e.per + i + r * 4 * e.per, lane / 4, 2)) << (32 / e.per * i) % 32;
  return out;
}

void run_case(const Case& c) {
  INFO(c.instruction);
  const int a_count = 16 * c.k / 32 / c.element.per, b_count = 8 * c.k / 32 / c.element.per,
            d_count = c.half_result ? 2 : 4;
  // Buffers of 32-bit words by register and lane.
  std::vector<std::vector<std::uint8_t>> buffers(2, std::vector<std::uint8_t>(16 * 32 * 4));
  const auto put = [&](int r, int lane, U32 word) {
    std::memcpy(&buffers[0][static_cast<std::size_t>(4 * (32 * r + lane))], &word, 4);
  };
  for (int lane = 0; lane < 32; ++lane) {
    for (int r = 0; r < a_count; ++r) put(r, lane, a_register(c.element, lane, r));
    for (int r = 0; r < b_count; ++r) put(4 + r, lane, b_register(c.element, lane, r));
    for (int r = 0; r < d_count; ++r) {
      const int row = lane / 4 + 8 * (c.half_result ? r : r / 2), column = lane % 4 * 2;
      U32 word;
      if (c.half_result)
        word = as_f16(value(row, column, 3)) | as_f16(value(row, column + 1, 3)) << 16;
      else if (c.integer)
        word = static_cast<U32>(value(row, column + r % 2, 3));
      else
        word = as_tf32(value(row, column + r % 2, 3));
      put(6 + r, lane, word);
    }
  }
  const auto list = [](const char* name, int count) {
    std::string out = "{";
    for (int i = 0; i < count; ++i) out += (i ? ", %" : "%") + std::string(name) + std::to_string(i);
    return out + "}";
  };
  std::string text =
      ".version 8.0\n.target sm_80\n.address_size 64\n.visible .entry test(.param .u64 in, .param .u64 "
      "out)\n{\n"
      ".reg .b64 %p<2>; .reg .b32 %t, %a<4>, %b<2>, %c<4>, %d<4>; .reg .f32 %x<4>, %y<4>;\n"
      "ld.param.u64 %p0, [in]; ld.param.u64 %p1, [out]; mov.u32 %t, %tid.x; mad.wide.u32 %p0, %t, 4, %p0; "
      "mad.wide.u32 %p1, %t, 4, %p1;\n";
  const bool floats = !c.half_result && !c.integer;
  for (int r = 0; r < a_count; ++r)
    text += "ld.global.b32 %a" + std::to_string(r) + ", [%p0+" + std::to_string(128 * r) + "];\n";
  for (int r = 0; r < b_count; ++r)
    text += "ld.global.b32 %b" + std::to_string(r) + ", [%p0+" + std::to_string(128 * (4 + r)) + "];\n";
  for (int r = 0; r < d_count; ++r)
    text += std::string("ld.global.b32 ") + (floats ? "%x" : "%c") + std::to_string(r) + ", [%p0+" +
            std::to_string(128 * (6 + r)) + "];\n";
  text += std::string(c.instruction) + " " + list(floats ? "y" : "d", d_count) + ", " + list("a", a_count) +
          ", " + list("b", b_count) + ", " + list(floats ? "x" : "c", d_count) + ";\n";
  for (int r = 0; r < d_count; ++r)
    text += "st.global.b32 [%p1+" + std::to_string(128 * r) + "], " + (floats ? "%y" : "%d") +
            std::to_string(r) + ";\n";
  text += "ret;\n}\n";
  for (U64 seed = 1; seed <= 2; ++seed) {
    const LaunchResult result = run_text(text, "test", buffers, {32, 1, seed});
    INFO(texts(result));
    REQUIRE(result.completed);
    REQUIRE(result.counters.mac_tensor == static_cast<U64>(16 * 8 * c.k));
    for (int lane = 0; lane < 32; ++lane)
      for (int r = 0; r < 4; ++r) {
        const int row = lane / 4 + 8 * (r / 2), column = lane % 4 * 2 + r % 2;
        int want = value(row, column, 3);
        for (int k = 0; k < c.k; ++k) want += value(row, k, 1) * value(k, column, 2);
        U32 word;
        std::memcpy(&word,
                    &buffers[1][static_cast<std::size_t>(4 * (32 * (c.half_result ? r / 2 : r) + lane))], 4);
        INFO("row " << row << ", column " << column);
        if (c.integer) {
          REQUIRE(static_cast<std::int32_t>(word) == want);
        } else if (c.half_result) {
          const U32 half = word >> 16 * (r % 2) & 0xffff;
          const int exponent = static_cast<int>(half >> 10 & 31);
          const double got =
              (half >> 15 ? -1 : 1) *
              (exponent ? std::ldexp(1024 + (half & 1023), exponent - 25) : std::ldexp(half & 1023, -24));
          REQUIRE(got == want);
        } else {
          REQUIRE(as_float(word) == static_cast<float>(want));
        }
      }
  }
}

}  // namespace

// Broken: where an element of a fragment lies in the lanes' registers, or how many there are.
TEST_CASE("mma.sync of every shape and type", "[instructions]") {
  const Element tf32{"tf32", 1, as_tf32}, bf16{"bf16", 2, as_bf16}, f16{"f16", 2, as_f16}, s8{"s8", 4, as_s8};
  const Case cases[] = {
      {"mma.sync.aligned.m16n8k4.row.col.f32.tf32.tf32.f32", tf32, 4},
      {"mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32", tf32, 8},
      {"mma.sync.aligned.m16n8k8.row.col.f32.bf16.bf16.f32", bf16, 8},
      {"mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32", bf16, 16},
      {"mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32", f16, 8},
      {"mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32", f16, 16},
      {"mma.sync.aligned.m16n8k8.row.col.f16.f16.f16.f16", f16, 8, true},
      {"mma.sync.aligned.m16n8k16.row.col.f16.f16.f16.f16", f16, 16, true},
      {"mma.sync.aligned.m16n8k16.row.col.s32.s8.s8.s32", s8, 16, false, true},
      {"mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32", s8, 32, false, true},
  };
  for (const Case& c : cases) run_case(c);
}

// Broken: the low 13 bits of tf32 operands take part.
TEST_CASE("mma of tf32 reads 19 bits", "[instructions]") {
  const std::vector<U64> in = float_operands(11, true, 32);
  const std::string product =
      "mma.sync.aligned.m16n8k4.row.col.f32.tf32.tf32.f32 {%e0, %e1, %e2, %e3}, {%y1, %y2}, {%y3}, {%e4, "
      "%e4, %e4, %e4};"
      "mov.b32 %y5, %e1; mov.b32 %y6, %e2; mov.b64 %r, {%y5, %y6};";
  const std::string whole = "mov.f32 %e4, 0f00000000; mov.b32 %y1, %x0; mov.b32 %y2, %x1; mov.b32 %y3, %x2;";
  const std::string cut =
      "mov.f32 %e4, 0f00000000; and.b32 %y1, %x0, 0xffffe000; and.b32 %y2, %x1, 0xffffe000; and.b32 %y3, "
      "%x2, 0xffffe000;";
  REQUIRE(run_body(whole + product, in).out == run_body(cut + product, in).out);
}

// Broken: an mma that half a warp runs is computed silently.
TEST_CASE("mma needs the whole warp", "[instructions]") {
  const std::vector<U64> in = float_operands(11, true, 32);
  const Outcome outcome = run_body(
      "mov.f32 %e4, 0f00000000; setp.lt.u32 %p0, %me, 16; @%p0 bra OVER; "
      "mma.sync.aligned.m16n8k4.row.col.f32.tf32.tf32.f32 "
      "{%e0, %e1, %e2, %e3}, {%x0, %x1}, {%x2}, {%e4, %e4, %e4, %e4}; OVER:",
      in);
  REQUIRE(outcome.result.reports.size() == 1);
  REQUIRE(outcome.result.reports.front().kind == FaultKind::bad_shuffle);
}
