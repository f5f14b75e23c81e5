// Loads, stores, atomics, ldmatrix, cp.async, barriers of a block, and what the counters say of them.
#include <functional>
#include <numeric>
#include <string>

#include "catch.h"
#include "instructions_fixture.h"

using namespace agon::simt;
using namespace agon::simt::instruction_test;

namespace {

using U64 = std::uint64_t;
using U32 = std::uint32_t;

const std::string shared_words = "  .shared .align 16 .b8 tile[8192];\n";

void each(const std::string& body, const std::function<U64(int, const std::vector<U64>&)>& expect,
          U32 threads = 64, const std::string& declarations = shared_words) {
  INFO(body);
  const std::vector<U64> in = edge_operands(31337, static_cast<int>(threads));
  for (U64 seed = 1; seed <= 4; ++seed) {
    for (const bool checks : {true, false}) {
      const Outcome outcome = run_body(body, in, {threads, 1, seed, checks}, declarations);
      INFO(texts(outcome.result));
      REQUIRE(outcome.result.completed);
      REQUIRE(outcome.result.reports.empty());
      for (int i = 0; i < static_cast<int>(threads); ++i) {
        INFO("thread " << i);
        REQUIRE(outcome.out[static_cast<std::size_t>(i)] == expect(i, in));
      }
    }
  }
}
U64 operand(const std::vector<U64>& in, int thread, int k = 0) {
  return in[static_cast<std::size_t>(3 * thread + k)];
}

Counters counters_of(const std::string& body, U32 threads = 32,
                     const std::string& declarations = shared_words) {
  const Outcome outcome =
      run_body(body, edge_operands(5, static_cast<int>(threads)), {threads}, declarations);
  INFO(texts(outcome.result));
  REQUIRE(outcome.result.completed);
  return outcome.result.counters;
}
// Without what every test kernel does.
Counters minus(Counters a, const Counters& b) {
  a.global_load.requests -= b.global_load.requests;
  a.global_load.sectors -= b.global_load.sectors;
  a.global_load.bytes -= b.global_load.bytes;
  a.shared_requests -= b.shared_requests;
  a.shared_wavefronts -= b.shared_wavefronts;
  a.shared_ideal -= b.shared_ideal;
  return a;
}

}  // namespace

// Broken: widths, vectors, extension by sign, offsets, the shared and local spaces and generic addresses of
// them.
TEST_CASE("ld and st of every space", "[instructions]") {
  const std::string address = "mov.u32 %y0, tile; mad.lo.u32 %y0, %me, 16, %y0;";
  each(address + "st.shared.v2.b64 [%y0], {%a0, %a1}; ld.shared.b64 %r, [%y0+8];",
       [](int i, const auto& in) { return operand(in, i, 1); });
  each(address +
           "st.shared.v4.b32 [%y0], {%x0, %x1, %x2, %x0}; ld.shared.v4.b32 {%y1, %y2, %y3, %y4}, [%y0]; "
           "mov.b64 %r, {%y3, %y2};",
       [](int i, const auto& in) { return (operand(in, i, 2) & 0xffffffff) | operand(in, i, 1) << 32; });
  each(address +
           "st.shared.b64 [%y0], %a0; ld.shared.s8 %y1, [%y0+1]; ld.shared.u8 %y2, [%y0+7]; mov.b64 %r, "
           "{%y1, %y2};",
       [](int i, const auto& in) {
         const U64 a = operand(in, i);
         return U64{static_cast<U32>(static_cast<std::int8_t>(a >> 8))} | (a >> 56) << 32;
       });
  each(address +
           "st.shared.b64 [%y0], %a0; ld.shared.s16 %y1, [%y0+2]; ld.shared.u16 %h3, [%y0+6]; cvt.u32.u16 "
           "%y2, %h3; mov.b64 %r, {%y1, %y2};",
       [](int i, const auto& in) {
         const U64 a = operand(in, i);
         return U64{static_cast<U32>(static_cast<std::int16_t>(a >> 16))} | (a >> 48) << 32;
       });
  each(address + "st.shared.b32 [%y0], %x0; ld.shared.s32 %r, [%y0];", [](int i, const auto& in) {
    return static_cast<U64>(std::int64_t{static_cast<std::int32_t>(operand(in, i))});
  });
  // A guarded store leaves the others' places alone.
  each(address +
           "st.shared.b64 [%y0], %a0; setp.lt.u32 %p0, %me, 5; @%p0 st.shared.b64 [%y0], %a1; ld.shared.b64 "
           "%r, [%y0];",
       [](int i, const auto& in) { return operand(in, i, i < 5 ? 1 : 0); });
  // Local memory: each lane its own.
  const std::string local = shared_words + "  .local .align 16 .b8 mine[64];\n";
  each(
      "mov.u32 %y0, mine; and.b32 %y1, %me, 7; mad.lo.u32 %y0, %y1, 8, %y0; st.local.b64 [%y0], %a0; "
      "ld.local.b64 %r, [%y0];",
      [](int i, const auto& in) { return operand(in, i); }, 64, local);
  // Generic addresses of the three spaces, in one instruction.
  each(
      "mov.u64 %q0, mine; cvta.local.u64 %q0, %q0; mov.u64 %q1, tile; cvta.shared.u64 %q1, %q1; mad.wide.u32 "
      "%q1, %me, 8, %q1;"
      "mov.u64 %q2, %out; rem.u32 %y0, %me, 3; setp.eq.u32 %p0, %y0, 0; setp.eq.u32 %p1, %y0, 1; selp.b64 "
      "%q3, %q0, %q1, %p0;"
      "selp.b64 %q3, %q2, %q3, %p1; st.b64 [%q3], %a0; ld.b64 %r, [%q3]; isspacep.local %p2, %q3; "
      "isspacep.global %p3, %q3;"
      "selp.b64 %q4, 1, 0, %p2; add.u64 %r, %r, %q4; selp.b64 %q4, 2, 0, %p3; add.u64 %r, %r, %q4;",
      [](int i, const auto& in) {
        return operand(in, i) + (i % 3 == 0 ? 1 : i % 3 == 1 ? 2 : 0);
      },
      64, local);
}

// Broken: what an atomic leaves, what it returns, and that none is lost.
TEST_CASE("atom and red", "[instructions]") {
  const std::string init =
      "mov.u32 %y9, tile; setp.ne.u32 %p0, %me, 0; @%p0 bra GO; st.shared.b64 [%y9], 0; st.shared.b32 "
      "[%y9+8], -1; GO: bar.sync 0;";
  const std::string finish = "bar.sync 0; ld.shared.b64 %r, [%y9];";
  each(init + "atom.shared.add.u32 %y0, [%y9], %me;" + finish,
       [](int, const auto&) { return U64{64 * 63 / 2}; });
  each(init + "cvt.rn.f32.u32 %e0, %me; red.shared.add.f32 [%y9], %e0;" + finish,
       [](int, const auto&) { return bits(2016.0f); });
  each(init + "red.shared.max.s32 [%y9], %me;" + finish, [](int, const auto&) { return U64{63}; });
  each(init + "red.shared.inc.u32 [%y9], 9;" + finish, [](int, const auto&) { return U64{64 % 10}; });
  each(init + "red.shared.or.b32 [%y9], %me;" + finish, [](int, const auto&) { return U64{63}; });
  each(init + "red.shared.add.u64 [%y9], 0x100000000;" + finish,
       [](int, const auto&) { return U64{64} << 32; });
  each(init +
           "add.u32 %y1, %me, 1; atom.shared.cas.b32 %y0, [%y9], 0, %y1; setp.eq.u32 %p1, %y0, 0; bar.sync "
           "0; ld.shared.b32 %y2, [%y9];"
           "@%p1 st.shared.b32 [%y9+8], %y1; bar.sync 0; ld.shared.b32 %y3, [%y9+8]; set.eq.u32.u32 %y4, "
           "%y2, %y3; cvt.u64.u32 %r, %y4;",
       [](int, const auto&) { return U64{0xffffffff}; });
  // Each returned value once: all of 0..63 are drawn.
  const std::vector<U64> in = edge_operands(1, 64);
  for (U64 seed = 1; seed <= 4; ++seed) {
    const Outcome outcome = run_body(init + "atom.shared.add.u32 %y0, [%y9], 1; cvt.u64.u32 %r, %y0;", in,
                                     {64, 1, seed}, shared_words);
    std::vector<bool> drawn(64);
    for (const U64 value : outcome.out) drawn.at(value) = true;
    REQUIRE(std::accumulate(drawn.begin(), drawn.end(), 0) == 64);
  }
  // Across blocks and host threads.
  const std::string text =
      ".version 8.0\n.target sm_80\n.address_size 64\n.visible .global .align 8 .u64 unused;\n"
      ".visible .entry count(.param .u64 to)\n{ .reg .b64 %a<2>; ld.param.u64 %a0, [to]; red.global.add.u64 "
      "[%a0], 3; ret; }\n";
  std::vector<std::vector<std::uint8_t>> buffers(1, std::vector<std::uint8_t>(8));
  const LaunchResult result = run_text(text, "count", buffers, {96, 50, 7, true, 2});
  INFO(texts(result));
  REQUIRE(result.completed);
  U64 total = 0;
  std::memcpy(&total, buffers[0].data(), 8);
  REQUIRE(total == 3 * 96 * 50);
}

// Broken: where ldmatrix takes a lane's elements from, transposed or not.
TEST_CASE("ldmatrix", "[instructions]") {
  // 256 threads fill 32 rows of 16 bytes with numbers of 16 bits; the first warp reads.
  const std::string fill =
      "mov.u32 %y9, tile; mad.lo.u32 %y0, %me, 2, %y9; cvt.u16.u32 %h3, %me; st.shared.b16 [%y0], %h3; "
      "bar.sync 0;"
      "setp.ge.u32 %p0, %me, 32; @%p0 bra OVER; mad.lo.u32 %y0, %me, 16, %y9;";
  const auto pair = [](U64 low, U64 high) { return low | high << 16; };
  each(
      fill +
          "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%y1, %y2, %y3, %y4}, [%y0]; mov.b64 %r, {%y1, %y4}; "
          "OVER:",
      [=](int i, const auto&) {
        if (i >= 32) return U64{0};
        const U64 at = static_cast<U64>(8 * (i / 4) + 2 * (i % 4));
        return pair(at, at + 1) | pair(192 + at, 193 + at) << 32;
      },
      256);
  each(
      fill +
          "ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%y1, %y2}, [%y0]; mov.b64 %r, {%y1, %y2}; OVER:",
      [=](int i, const auto&) {
        if (i >= 32) return U64{0};
        const U64 at = static_cast<U64>(8 * 2 * (i % 4) + i / 4);
        return pair(at, at + 8) | pair(64 + at, 72 + at) << 32;
      },
      256);
}

// Broken: a copy that lands at once, one that does not wait for its group, or zero-fill.
TEST_CASE("cp.async", "[instructions]") {
  const std::string copy = "mov.u32 %y9, tile; mad.lo.u32 %y0, %me, 16, %y9;";
  each(copy + "cp.async.ca.shared.global [%y0], [%in], 8; cp.async.wait_all; ld.shared.b64 %r, [%y0];",
       [](int i, const auto& in) { return operand(in, i); });
  each(copy +
           "cp.async.ca.shared.global [%y0], [%in+8], 8, 4; cp.async.commit_group; cp.async.wait_group 0; "
           "ld.shared.b64 %r, [%y0];",
       [](int i, const auto& in) { return operand(in, i, 1) & 0xffffffff; });
  // Two groups: the first has landed when one may stay pending.
  each(copy +
           "cp.async.ca.shared.global [%y0], [%in], 8; cp.async.commit_group; cp.async.ca.shared.global "
           "[%y0+8], [%in+16], 8; cp.async.commit_group;"
           "cp.async.wait_group 1; ld.shared.b64 %r, [%y0]; cp.async.wait_group 0; ld.shared.b64 %q0, "
           "[%y0+8]; xor.b64 %r, %r, %q0;",
       [](int i, const auto& in) { return operand(in, i) ^ operand(in, i, 2); });
  // Before the wait the old contents are there, and reading them is reported.
  const std::string early = copy +
                            "st.shared.b64 [%y0], 7; cp.async.ca.shared.global [%y0], [%in], 8; "
                            "ld.shared.b64 %r, [%y0]; cp.async.wait_all;";
  const std::vector<U64> in = edge_operands(9, 32);
  const Outcome outcome = run_body(early, in, {}, shared_words);
  REQUIRE(outcome.out == std::vector<U64>(32, 7));
  REQUIRE_FALSE(outcome.result.reports.empty());
  REQUIRE(outcome.result.reports.front().kind == FaultKind::async_before_wait);
}

// Broken: barriers that let go too early, by number, by count, with a vote.
TEST_CASE("bar.sync, bar.arrive, bar.red", "[instructions]") {
  const std::string own = "mov.u32 %y9, tile; mad.lo.u32 %y0, %me, 8, %y9; st.shared.b64 [%y0], %a0;";
  each(
      own + "bar.sync 0; xor.b32 %y1, %me, 255; mad.lo.u32 %y1, %y1, 8, %y9; ld.shared.b64 %r, [%y1];",
      [](int i, const auto& in) { return operand(in, i ^ 255); }, 256);
  // Two halves of a block each at their own barrier of 128 threads.
  each(
      own +
          "shr.u32 %y2, %me, 7; add.u32 %y2, %y2, 3; bar.sync %y2, 128; xor.b32 %y1, %me, 127; mad.lo.u32 "
          "%y1, %y1, 8, %y9; ld.shared.b64 %r, [%y1];",
      [](int i, const auto& in) { return operand(in, i ^ 127); }, 256);
  // The second warp arrives, the first waits for it.
  each(
      own +
          "setp.ge.u32 %p0, %me, 32; @%p0 bra LATE; bar.sync 1, 64; add.u32 %y1, %me, 32; mad.lo.u32 %y1, "
          "%y1, 8, %y9; ld.shared.b64 %r, [%y1];"
          "bra.uni END; LATE: bar.arrive 1, 64; END:",
      [](int i, const auto& in) { return i < 32 ? operand(in, i + 32) : 0; }, 64);
  each(
      "setp.lt.u32 %p0, %me, 77; bar.red.popc.u32 %y0, 0, %p0; bar.red.and.pred %p1, 0, %p0; bar.red.or.pred "
      "%p2, 0, %p0; selp.b32 %y1, 1000, 0, %p1;"
      "selp.b32 %y2, 2000, 0, %p2; add.u32 %y0, %y0, %y1; add.u32 %y0, %y0, %y2; cvt.u64.u32 %r, %y0;",
      [](int, const auto&) { return U64{2077}; }, 96);
  // Warps that have left are not waited for.
  each(
      "setp.ge.u32 %p0, %me, 40; @%p0 ret; bar.sync 0; mov.u64 %r, 5;",
      [](int i, const auto&) { return i < 40 ? U64{5} : U64{0}; }, 128);
}

// Broken: sectors, distinct bytes and bank conflicts; whether they stay the same with other seeds.
TEST_CASE("counters of memory", "[instructions]") {
  const Counters plain = counters_of("");
  CHECK(plain.global_load.requests == 3);
  CHECK(plain.global_load.bytes == 3 * 32 * 8);
  CHECK(plain.global_load.sectors == 3 * 24);
  CHECK(plain.global_store.sectors == 8);
  CHECK(plain.global_store.sector_use() == 1);
  CHECK(plain.distinct_read() == 32 * 24);
  CHECK(plain.distinct_written() == 32 * 8);
  const auto more = [&](const std::string& body) { return minus(counters_of(body), plain); };
  const Counters same = more("mov.u64 %q0, %in; ld.param.u64 %q1, [in]; ld.global.b32 %y0, [%q1];");
  CHECK(same.global_load.sectors == 1);
  CHECK(same.global_load.bytes == 4);
  const Counters rows =
      more("ld.param.u64 %q1, [in]; mad.wide.u32 %q1, %me, 4, %q1; ld.global.b32 %y0, [%q1+16];");
  CHECK(rows.global_load.sectors == 5);
  CHECK(rows.global_load.bytes == 128);
  const auto shared = [&](int stride, const char* type, const std::string& registers) {
    return more("mov.u32 %y9, tile; mad.lo.u32 %y9, %me, " + std::to_string(stride) + ", %y9; st.shared." +
                type + " [%y9], " + registers + ";");
  };
  CHECK(shared(4, "b32", "%x0").shared_wavefronts == 1);
  CHECK(shared(8, "b32", "%x0").shared_wavefronts == 2);
  CHECK(shared(128, "b32", "%x0").shared_wavefronts == 32);
  CHECK(shared(132, "b32", "%x0").shared_wavefronts == 1);
  CHECK(shared(0, "b32", "%x0").shared_wavefronts == 1);
  CHECK(shared(16, "v4.b32", "{%x0, %x1, %x2, %x0}").shared_wavefronts == 4);
  CHECK(shared(16, "v4.b32", "{%x0, %x1, %x2, %x0}").bank_conflicts() == 0);
  CHECK(shared(32, "v4.b32", "{%x0, %x1, %x2, %x0}").shared_wavefronts == 8);
  CHECK(shared(8, "b64", "%a0").shared_wavefronts == 2);
  const Counters fma = counters_of(
      "fma.rn.f32 %e0, %f0, %f1, %f2; setp.lt.u32 %p0, %me, 7; @%p0 fma.rn.f32 %e0, %f0, %f1, %f2; add.f32 "
      "%e0, %e0, %e0; bar.sync 0;",
      64);
  CHECK(fma.fma_fp32 == 64 + 7);
  CHECK(fma.flops_fp32 == 2 * 71 + 64);
  CHECK(fma.barriers == 2);
  const std::string loop =
      "mov.u32 %y0, 0; LOOP: add.u32 %y0, %y0, 1; setp.lt.u32 %p0, %y0, %me; @%p0 bra LOOP;";
  std::string first;
  for (U64 seed = 1; seed <= 6; ++seed) {
    const Outcome outcome =
        run_body(loop, edge_operands(2, 640), {64, 10, seed, seed % 2 == 0, seed % 3 == 0 ? 2 : 1});
    Counters counters = outcome.result.counters;
    counters.touched.clear();
    if (first.empty()) first = to_json(counters);
    CHECK(to_json(counters) == first);
  }
}

// Broken: bad addresses that stop nothing.
TEST_CASE("bad addresses without checks", "[instructions]") {
  const auto kind = [](const std::string& body) {
    const Outcome outcome = run_body(body, edge_operands(3, 32), {32, 1, 1, false}, shared_words);
    REQUIRE_FALSE(outcome.result.completed);
    REQUIRE(outcome.result.reports.size() == 1);
    return outcome.result.reports.front().kind;
  };
  CHECK(kind("ld.global.b32 %y0, [16];") == FaultKind::out_of_bounds);
  CHECK(kind("ld.global.b64 %r, [%in+4];") == FaultKind::misaligned);
  CHECK(kind("mov.u32 %y0, 9000; st.shared.b32 [%y0], %x0;") == FaultKind::out_of_bounds);
}

// Broken: blocks that wait for each other starve, on one host thread or on several.
TEST_CASE("blocks of a cooperative launch are there at once", "[instructions]") {
  const std::string text = R"(.version 8.0
.target sm_80
.address_size 64
.visible .entry meet(.param .u64 to) {
  .reg .b64 %a<3>; .reg .b32 %x<6>; .reg .pred %p<3>;
  ld.param.u64 %a0, [to];
  mov.u32 %x0, %tid.x; mov.u32 %x1, %ctaid.x; mov.u32 %x2, %nctaid.x;
  mad.wide.u32 %a1, %x1, 4, %a0;
  setp.ne.u32 %p0, %x0, 0;
  @%p0 bra WAIT;
  add.u32 %x3, %x1, 100;
  st.global.u32 [%a1+8], %x3;
  membar.gl;
  atom.global.add.u32 %x3, [%a0], 1;
SPIN:
  ld.volatile.global.u32 %x4, [%a0];
  setp.lt.u32 %p1, %x4, %x2;
  @%p1 bra SPIN;
  membar.gl;
WAIT:
  bar.sync 0;
  @%p0 bra END;
  xor.b32 %x5, %x1, 1;
  mad.wide.u32 %a2, %x5, 4, %a0;
  ld.global.u32 %x4, [%a2+8];
  st.global.u32 [%a1+72], %x4;
END:
  ret;
}
)";
  for (U64 seed = 1; seed <= 6; ++seed) {
    std::vector<std::vector<std::uint8_t>> buffers(1, std::vector<std::uint8_t>(72 + 16 * 4));
    const LaunchResult result = run_text(text, "meet", buffers, {64, 16, seed, true, seed % 2 ? 1 : 2, true});
    INFO(texts(result));
    REQUIRE(result.completed);
    REQUIRE(result.reports.empty());
    for (U32 block = 0; block < 16; ++block) {
      U32 neighbour = 0;
      std::memcpy(&neighbour, &buffers[0][72 + 4 * block], 4);
      REQUIRE(neighbour == 100 + (block ^ 1));
    }
  }
}
