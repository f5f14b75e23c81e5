// Instructions of a whole warp: shfl, vote, match, redux, branches that part and meet, and masks that do not
// fit.
#include <functional>
#include <string>

#include "catch.h"
#include "instructions_fixture.h"

using namespace agon::simt;
using namespace agon::simt::instruction_test;

namespace {

using U64 = std::uint64_t;
using U32 = std::uint32_t;

// Operands: lane numbers hashed.
std::vector<U64> operands(int threads = 32) {
  return edge_operands(4242, threads);
}

// expect(lane) for one warp, over several seeds; no report.
void each_lane(const std::string& body, const std::function<U64(int, const std::vector<U64>&)>& expect,
               U32 threads = 32) {
  INFO(body);
  const std::vector<U64> in = operands(static_cast<int>(threads));
  for (U64 seed = 1; seed <= 8; ++seed) {
    const Outcome outcome = run_body(body, in, {threads, 1, seed});
    INFO(texts(outcome.result));
    REQUIRE(outcome.result.completed);
    REQUIRE(outcome.result.reports.empty());
    for (int i = 0; i < static_cast<int>(threads); ++i) {
      INFO("lane " << i);
      REQUIRE(outcome.out[static_cast<std::size_t>(i)] == expect(i, in));
    }
  }
}
U32 x0(const std::vector<U64>& in, int lane) {
  return static_cast<U32>(in[3 * static_cast<std::size_t>(lane)]);
}

// The launch is stopped, or reported, with this kind.
void faulty(const std::string& body, FaultKind kind, U32 threads = 32) {
  INFO(body);
  for (U64 seed = 1; seed <= 8; ++seed) {
    const Outcome outcome = run_body(body, operands(static_cast<int>(threads)), {threads, 1, seed});
    INFO(texts(outcome.result));
    REQUIRE_FALSE(outcome.result.reports.empty());
    REQUIRE(outcome.result.reports.front().kind == kind);
  }
}

}  // namespace

// Broken: the lane that a shuffle reads, its clamping at segments and its predicate.
TEST_CASE("shfl.sync in all modes", "[instructions]") {
  const std::string result = " selp.b32 %y1, 1, 0, %p0; mov.b64 %r, {%y0, %y1};";
  const auto with = [](U32 value, bool inside) { return U64{value} | U64{inside} << 32; };
  each_lane("shfl.sync.up.b32 %y0|%p0, %x0, 3, 0, 0xffffffff;" + result,
            [=](int i, const auto& in) { return with(x0(in, i >= 3 ? i - 3 : i), i >= 3); });
  each_lane("shfl.sync.down.b32 %y0|%p0, %x0, 16, 31, 0xffffffff;" + result,
            [=](int i, const auto& in) { return with(x0(in, i < 16 ? i + 16 : i), i < 16); });
  each_lane("shfl.sync.bfly.b32 %y0|%p0, %x0, 5, 31, 0xffffffff;" + result,
            [=](int i, const auto& in) { return with(x0(in, i ^ 5), true); });
  each_lane("shfl.sync.idx.b32 %y0|%p0, %x0, 7, 31, 0xffffffff;" + result,
            [=](int, const auto& in) { return with(x0(in, 7), true); });
  // Segments of eight lanes.
  each_lane("shfl.sync.down.b32 %y0|%p0, %x0, 2, 0x181f, 0xffffffff;" + result, [=](int i, const auto& in) {
    const bool inside = (i & 7) + 2 <= 7;
    return with(x0(in, inside ? i + 2 : i), inside);
  });
  each_lane("shfl.sync.idx.b32 %y0|%p0, %x0, 11, 0x181f, 0xffffffff;" + result,
            [=](int i, const auto& in) { return with(x0(in, (i & 24) | 3), true); });
  // Each lane another source.
  each_lane(
      "and.b32 %y2, %me, 31; xor.b32 %y2, %y2, 21; shfl.sync.idx.b32 %y0|%p0, %x0, %y2, 31, -1;" + result,
      [=](int i, const auto& in) { return with(x0(in, i ^ 21), true); });
}

// Broken: votes, matches and reductions over the lanes that the mask names.
TEST_CASE("vote, match, redux, activemask", "[instructions]") {
  const std::string low = "setp.lt.u32 %p0, %me, 10;";
  each_lane(low + "vote.sync.ballot.b32 %y0, %p0, -1; cvt.u64.u32 %r, %y0;",
            [](int, const auto&) { return U64{0x3ff}; });
  each_lane(
      low +
          "vote.sync.any.pred %p1, %p0, -1; vote.sync.all.pred %p2, %p0, -1; vote.sync.uni.pred %p3, %p0, -1;"
          "selp.b32 %y0, 1, 0, %p1; selp.b32 %y1, 2, 0, %p2; selp.b32 %y2, 4, 0, %p3; or.b32 %y0, %y0, %y1;"
          "or.b32 %y0, %y0, %y2; cvt.u64.u32 %r, %y0;",
      [](int, const auto&) { return U64{1}; });
  each_lane("and.b32 %y1, %me, 3; match.any.sync.b32 %y0, %y1, -1; cvt.u64.u32 %r, %y0;",
            [](int i, const auto&) { return U64{0x11111111u << (i & 3)}; });
  each_lane("match.all.sync.b32 %y0|%p0, 5, -1; selp.b32 %y1, 1, 0, %p0; mov.b64 %r, {%y0, %y1};",
            [](int, const auto&) { return U64{0x1ffffffff}; });
  each_lane("redux.sync.add.u32 %y0, %x0, -1; cvt.u64.u32 %r, %y0;", [](int, const auto& in) {
    U32 sum = 0;
    for (int i = 0; i < 32; ++i) sum += x0(in, i);
    return U64{sum};
  });
  each_lane("redux.sync.min.s32 %y0, %x0, -1; cvt.u64.u32 %r, %y0;", [](int, const auto& in) {
    auto least = static_cast<std::int32_t>(x0(in, 0));
    for (int i = 0; i < 32; ++i) least = std::min(least, static_cast<std::int32_t>(x0(in, i)));
    return U64{static_cast<U32>(least)};
  });
  // Two groups that name only themselves.
  each_lane(
      "setp.lt.u32 %p0, %me, 12; selp.b32 %y1, 0xfff, 0xfffff000, %p0; redux.sync.max.u32 %y0, %me, %y1; "
      "cvt.u64.u32 %r, %y0;",
      [](int i, const auto&) { return U64{i < 12 ? 11u : 31u}; });
  // Both sides of a branch meet in one shuffle behind it.
  each_lane(
      "setp.lt.u32 %p0, %me, 7; mov.u32 %y1, 100; @%p0 bra LOW; add.u32 %y1, %me, 1000; bra.uni MEET; LOW: "
      "add.u32 %y1, %me, 2000;"
      "MEET: shfl.sync.bfly.b32 %y0, %y1, 31, 31, -1; cvt.u64.u32 %r, %y0;",
      [](int i, const auto&) {
        return U64{31 - i < 7 ? 2000u + 31 - static_cast<U32>(i) : 1000u + 31 - static_cast<U32>(i)};
      });
  each_lane("activemask.b32 %y0; cvt.u64.u32 %r, %y0;", [](int, const auto&) { return U64{0xffffffff}; });
}

// Broken: loops that lanes leave one by one, nested branches, indexed branches, early exits.
TEST_CASE("lanes part and meet again", "[instructions]") {
  each_lane(
      "mov.u32 %y0, 0; mov.u32 %y1, 0; LOOP: add.u32 %y1, %y1, %y0; add.u32 %y0, %y0, 1; setp.le.u32 %p0, "
      "%y0, %me; @%p0 bra LOOP;"
      "shfl.sync.idx.b32 %y2, %y1, 31, 31, -1; add.u32 %y1, %y1, %y2; cvt.u64.u32 %r, %y1;",
      [](int i, const auto&) { return U64{static_cast<U32>(i * (i + 1) / 2 + 31 * 32 / 2)}; });
  // Collatz steps: a loop around a branch.
  each_lane(
      "add.u32 %y0, %me, 1; mov.u32 %y1, 0; LOOP: setp.eq.u32 %p0, %y0, 1; @%p0 bra DONE; add.u32 %y1, %y1, "
      "1; and.b32 %y2, %y0, 1;"
      "setp.eq.u32 %p1, %y2, 0; @%p1 bra EVEN; mad.lo.u32 %y0, %y0, 3, 1; bra LOOP; EVEN: shr.u32 %y0, %y0, "
      "1; bra LOOP;"
      "DONE: vote.sync.ballot.b32 %y3, %p0, -1; mov.b64 %r, {%y1, %y3};",
      [](int i, const auto&) {
        U32 n = static_cast<U32>(i) + 1, steps = 0;
        for (; n != 1; ++steps) n = n & 1 ? 3 * n + 1 : n / 2;
        return U64{steps} | 0xffffffffull << 32;
      });
  each_lane(
      "table: .branchtargets A, B, C; rem.u32 %y1, %me, 3; brx.idx %y1, table; A: mov.u32 %y0, 10; bra END; "
      "B: mov.u32 %y0, 20; bra END;"
      "C: mov.u32 %y0, 30; END: shfl.sync.bfly.b32 %y2, %y0, 1, 31, -1; mov.b64 %r, {%y0, %y2};",
      [](int i, const auto&) {
        const auto of = [](int lane) { return U64{static_cast<U32>(10 + 10 * (lane % 3))}; };
        return of(i) | of(i ^ 1) << 32;
      });
  // Half the lanes leave; the rest vote among themselves.
  each_lane(
      "setp.ge.u32 %p0, %me, 16; @%p0 st.global.b64 [%out], 77; @%p0 ret; vote.sync.ballot.b32 %y0, 1, "
      "0xffff; cvt.u64.u32 %r, %y0;",
      [](int i, const auto&) { return i < 16 ? U64{0xffff} : U64{77}; });
  // Both sides synchronise with each other within the branch: lanes do not run in lockstep.
  each_lane(
      "setp.lt.u32 %p0, %me, 16; @%p0 bra LOW; bar.warp.sync -1; mov.u32 %y0, 1; bra END; LOW: bar.warp.sync "
      "-1; mov.u32 %y0, 2; END: cvt.u64.u32 %r, %y0;",
      [](int i, const auto&) { return U64{i < 16 ? 2u : 1u}; });
}

// Broken: a mask that does not fit is computed silently, or hangs.
TEST_CASE("masks that do not fit the lanes", "[instructions]") {
  // A lane that its mask does not name.
  faulty("shfl.sync.idx.b32 %y0, %x0, 0, 31, 0xffff;", FaultKind::bad_shuffle);
  // Named lanes pass by, under a guard or on another way.
  faulty("setp.lt.u32 %p0, %me, 16; @%p0 shfl.sync.idx.b32 %y0, %x0, 0, 31, -1;", FaultKind::bad_shuffle);
  faulty("setp.lt.u32 %p0, %me, 16; @%p0 bra OVER; vote.sync.ballot.b32 %y0, 1, -1; OVER:",
         FaultKind::bad_shuffle);
  // A lane reads one that does not take part.
  faulty("setp.lt.u32 %p0, %me, 16; @%p0 shfl.sync.idx.b32 %y0, %x0, 20, 31, 0xffff;",
         FaultKind::bad_shuffle);
  // Barriers of the block in divergent code, and one that a warp never reaches.
  faulty("setp.lt.u32 %p0, %me, 16; @%p0 bra OVER; bar.sync 0; OVER:", FaultKind::divergent_barrier);
  faulty("setp.lt.u32 %p0, %me, 16; @%p0 bra LOW; bar.sync 0; bra END; LOW: bar.sync 0; END:",
         FaultKind::divergent_barrier);
  faulty("setp.lt.u32 %p0, %me, 32; @%p0 bra OVER; bar.sync 1, 64; OVER:", FaultKind::divergent_barrier, 64);
  faulty("trap;", FaultKind::trap);
  faulty("LOOP: bra LOOP;", FaultKind::hang);
}
