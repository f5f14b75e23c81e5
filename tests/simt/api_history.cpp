#include "catch.h"
#include "cuda/simt/check/history.h"

using agon::simt::Clock;
using agon::simt::History;

// Broken: two streams without an event would count as ordered, and no race between launches would be seen.
TEST_CASE("operations of two chains are ordered by joined clocks alone", "[simt][history]") {
  History history;
  const auto a = history.begin(0, {});
  const Clock after_a = history.clock();
  const auto b = history.begin(1, {});
  CHECK_FALSE(history.before_current(a));
  CHECK(history.before_current(b));
  Clock both = history.clock();
  const auto c = history.begin(0, after_a);
  CHECK(history.before_current(a));
  CHECK_FALSE(history.before_current(b));
  CHECK(history.before_current(c));
  both.join(history.clock());
  history.begin(1, both);
  CHECK(history.floor() == c);
  CHECK(history.before_current(b));
}

// Broken: every access of a program with one stream would take the slow path.
TEST_CASE("one chain keeps the floor right behind the current operation", "[simt][history]") {
  History history;
  Clock clock;
  for (int i = 0; i < 100; ++i) {
    const auto id = history.begin(0, clock);
    clock = history.clock();
    CHECK(history.floor() == id - 1);
  }
}

// Broken: one stream that runs on its own would send all accesses of the others the slow way.
TEST_CASE("the floor ends at the oldest operation that is not known", "[simt][history]") {
  History history;
  const auto first = history.begin(1, {});
  const Clock known = history.clock();
  Clock clock;
  for (int i = 0; i < 10; ++i) {
    clock.join(known);
    history.begin(0, clock);
    clock = history.clock();
  }
  const auto other = history.begin(1, known);
  CHECK(history.floor() == first);
  const auto last = history.begin(0, clock);
  CHECK(history.floor() == other - 1);
  CHECK(history.ceiling() == other);
  CHECK(last == other + 1);
}
