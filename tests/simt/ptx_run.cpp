// PTX by hand that nvcc seldom writes, decoded and run: calls, parameters, scopes, tables.
#include <cstring>

#include "catch.h"
#include "instructions_fixture.h"
#include "ptx_compile.h"

using namespace agon::simt;
using namespace agon::simt::instruction_test;

namespace {

// Runs `test(out)` over 32 threads; each thread's result is a 32-bit word, out[thread].
std::vector<uint32_t> run_words(const std::string& functions, const std::string& body) {
  const std::string text =
      ptx_test::preamble + functions +
      ".visible .entry test(.param .u64 out) {\n.reg .b64 %out; .reg .b64 %at<9>; .reg .b32 %x<20>; .reg "
      ".b32 "
      "%me; .reg .b32 %r; .reg .pred %p<9>;\n"
      "ld.param.u64 %out, [out]; mov.u32 %me, %tid.x; mul.wide.u32 %at0, %me, 4; add.u64 %out, %out, %at0;\n"
      "mov.u32 %r, 0;\n" +
      body + "\nst.global.u32 [%out], %r; ret;\n}\n";
  std::vector<std::vector<uint8_t>> buffers{std::vector<uint8_t>(32 * 4)};
  const LaunchResult result = run_text(text, "test", buffers);
  INFO(texts(result));
  REQUIRE(result.completed);
  REQUIRE(result.reports.empty());
  std::vector<uint32_t> words(32);
  std::memcpy(words.data(), buffers[0].data(), 128);
  return words;
}

}  // namespace

// Broken: scalar parameters that are narrower than their registers lose their sign or carry rubbish.
TEST_CASE("narrow parameters of device functions", "[ptx]") {
  const auto words = run_words(
      ".func (.param .b32 result) narrow(.param .b32 byte, .param .b32 half) {\n"
      " .reg .b16 %h<4>; .reg .b32 %s<9>; .reg .b64 %d<4>;\n"
      " ld.param.s8 %h1, [byte]; cvt.s32.s16 %s1, %h1;\n"
      " ld.param.u16 %h2, [half]; cvt.u32.u16 %s2, %h2;\n"
      " ld.param.s16 %d1, [half]; shr.s64 %d2, %d1, 40; cvt.u32.u64 %s3, %d2;\n"
      " add.s32 %s4, %s1, %s2; xor.b32 %s5, %s4, %s3; st.param.b32 [result], %s5; ret;\n}\n",
      "add.u32 %x1, %me, 0x1f0; sub.u32 %x2, 0x12340010, %me;\n"
      "{ .param .b32 p0; .param .b32 p1; .param .b32 r0;\n"
      " st.param.b32 [p0], %x1; st.param.b32 [p1+0], %x2; call.uni (r0), narrow, (p0, p1);\n"
      " ld.param.b32 %r, [r0]; }");
  for (uint32_t me = 0; me < 32; ++me) {
    const auto byte = static_cast<int8_t>(me + 0x1f0);
    const auto half = static_cast<uint16_t>(0x12340010 - me);
    const int32_t sign = static_cast<int16_t>(half) < 0 ? -1 : 0;
    CHECK(words[me] == static_cast<uint32_t>((byte + half) ^ sign));
  }
}

// Broken: a function that returns early in some lanes, or is inlined twice with one set of registers.
TEST_CASE("early returns and repeated calls", "[ptx]") {
  const auto words = run_words(
      ".func (.param .b32 result) step(.param .b32 x) {\n .reg .b32 %v<4>; .reg .pred %q<3>;\n"
      " ld.param.b32 %v1, [x]; st.param.b32 [result], 1000;\n setp.gt.u32 %q1, %v1, 20; @%q1 ret;\n"
      "LOOP: add.u32 %v1, %v1, 7; setp.lt.u32 %q1, %v1, 30; @%q1 bra LOOP;\n"
      " st.param.b32 [result], %v1; ret;\n}\n",
      "{ .param .b32 p; .param .b32 q; st.param.b32 [p], %me; call.uni (q), step, (p); ld.param.b32 %x1, "
      "[q]; }\n"
      "{ .param .b32 p; .param .b32 q; shr.u32 %x2, %me, 1; st.param.b32 [p], %x2;\n"
      "  call.uni (q), step, (p); ld.param.b32 %x3, [q]; }\n"
      "mad.lo.u32 %r, %x1, 10000, %x3;");
  const auto step = [](uint32_t x) {
    if (x > 20) return 1000u;
    do x += 7;
    while (x < 30);
    return x;
  };
  for (uint32_t me = 0; me < 32; ++me) CHECK(words[me] == step(me) * 10000 + step(me / 2));
}

// Broken: a call under a predicate that runs in all lanes, or in none.
TEST_CASE("calls under a predicate", "[ptx]") {
  const auto words = run_words(
      ".func (.param .b32 result) twice(.param .b32 x) {\n .reg .b32 %v<4>;\n"
      " ld.param.b32 %v1, [x]; shl.b32 %v2, %v1, 1; st.param.b32 [result], %v2; ret;\n}\n",
      "and.b32 %x1, %me, 3; setp.eq.u32 %p1, %x1, 2;\n"
      "{ .param .b32 p; .param .b32 q; st.param.b32 [p], %me; st.param.b32 [q], 5;\n"
      "  @%p1 call (q), twice, (p); ld.param.b32 %x2, [q];\n"
      "  @!%p1 call (q), twice, (q); ld.param.b32 %x3, [q]; }\n"
      "mad.lo.u32 %r, %x2, 100, %x3;");
  for (uint32_t me = 0; me < 32; ++me) {
    const bool called = me % 4 == 2;
    CHECK(words[me] == (called ? 2 * me * 100 + 2 * me : 5 * 100 + 10));
  }
}

// Broken: structures in .param space, local memory of a callee over its caller's.
TEST_CASE("structures passed by value", "[ptx]") {
  const auto words = run_words(
      ".func (.param .align 8 .b8 result[16]) turn(.param .align 8 .b8 x[16]) {\n"
      " .local .align 16 .b8 depot[16]; .reg .b32 %v<8>; .reg .b64 %d<5>;\n"
      " mov.u64 %d1, depot; ld.param.v2.u32 {%v1, %v2}, [x]; ld.param.u64 %d2, [x+8];\n"
      " st.local.v2.u32 [%d1+8], {%v2, %v1}; st.local.u64 [%d1], %d2;\n"
      " ld.local.v4.u32 {%v3, %v4, %v5, %v6}, [%d1];\n"
      " st.param.v2.b32 [result], {%v6, %v5}; st.param.b32 [result+8], %v4; st.param.b32 [result+12], %v3; "
      "ret;\n}\n",
      ".local .align 4 .b8 mine[8]; st.local.u32 [mine+4], %me;\n"
      "{ .param .align 8 .b8 p[16]; .param .align 8 .b8 q[16]; add.u32 %x1, %me, 100; add.u32 %x2, %me, "
      "200;\n"
      "  st.param.v2.b32 [p], {%me, %x1}; st.param.v2.b32 [p+8], {%x2, 7}; call.uni (q), turn, (p);\n"
      "  ld.param.v2.b32 {%x3, %x4}, [q]; ld.param.v2.b32 {%x5, %x6}, [q+8]; }\n"
      "ld.local.u32 %x7, [mine+4]; sub.u32 %x3, %x3, %x7;\n"
      "mad.lo.u32 %r, %x4, 1000, %x3; mad.lo.u32 %x8, %x5, 100, %x6; shl.b32 %x8, %x8, 20; xor.b32 %r, %r, "
      "%x8;");
  for (uint32_t me = 0; me < 32; ++me)
    CHECK(words[me] == (((me + 100) * 1000 + 0) ^ (7 * 100 + me + 200) << 20));
}

// Broken: a table of branches, or the labels and registers of nested scopes with the same names.
TEST_CASE("branch tables and scopes", "[ptx]") {
  const auto words =
      run_words("",
                "{ .reg .b32 v; rem.u32 v, %me, 5; table: .branchtargets A, B, C, B, D;\n"
                " brx.idx v, table;\n"
                "A: add.u32 %r, %r, 10; bra END;\nB: { .reg .b32 v; mov.u32 v, 20; A: add.u32 %r, %r, v;\n"
                "  setp.lt.u32 %p1, %r, 50; @%p1 bra A; } bra END;\n"
                "C: mov.u32 %r, v;\nD: add.u32 %r, %r, 1;\nEND: }");
  const uint32_t expected[] = {10, 60, 3, 60, 1};
  for (uint32_t me = 0; me < 32; ++me) CHECK(words[me] == expected[me % 5]);
}

// Broken: variables of the module with addresses as first values, read where the launch put them.
TEST_CASE("pointers among the initial values", "[ptx]") {
  const auto words = run_words(
      ".global .align 4 .u32 values[4] = {11, 22, 33, 44};\n"
      ".global .align 8 .u64 pointers[3] = {generic(values)+4, generic(values)+12, values};\n"
      ".const .align 4 .u32 scale[2] = {3, 5};\n",
      "rem.u32 %x1, %me, 3; mul.wide.u32 %at1, %x1, 8; mov.u64 %at2, pointers; add.u64 %at2, %at2, %at1;\n"
      "ld.global.u64 %at3, [%at2]; ld.u32 %x2, [%at3]; ld.const.u32 %x3, [scale+4]; mul.lo.u32 %r, %x2, "
      "%x3;\n"
      "ld.global.u32 %x4, [values+8]; add.u32 %r, %r, %x4;");
  const uint32_t expected[] = {22, 44, 11};
  for (uint32_t me = 0; me < 32; ++me) CHECK(words[me] == expected[me % 3] * 5 + 33);
}
