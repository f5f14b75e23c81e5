#include "catch.h"
#include "cuda/simt/order.h"

using agon::simt::Clock;
using agon::simt::Order;

// Broken: two streams without an event would count as ordered, and no race between launches would be seen.
TEST_CASE("operations of two chains are ordered by joined clocks alone", "[simt][order]") {
  Order order;
  const auto a = order.begin(0, {});
  const Clock after_a = order.clock();
  const auto b = order.begin(1, {});
  CHECK_FALSE(order.before_current(a));
  CHECK(order.before_current(b));
  Clock both = order.clock();
  const auto c = order.begin(0, after_a);
  CHECK(order.before_current(a));
  CHECK_FALSE(order.before_current(b));
  CHECK(order.before_current(c));
  both.join(order.clock());
  order.begin(1, both);
  CHECK(order.floor() == c);
  CHECK(order.before_current(b));
}

// Broken: every access of a program with one stream would take the slow path.
TEST_CASE("one chain keeps the floor right behind the current operation", "[simt][order]") {
  Order order;
  Clock clock;
  for (int i = 0; i < 100; ++i) {
    const auto id = order.begin(0, clock);
    clock = order.clock();
    CHECK(order.floor() == id - 1);
  }
}
