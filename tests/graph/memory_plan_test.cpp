#include "graph/memory_plan.h"

#include <vector>

#include "agon/philox.h"

#include "catch.h"

using agon::MemoryPlan;

// Were buffers that live at the same time to overlap, a kernel would overwrite another's result.
TEST_CASE("buffers alive at the same step never overlap") {
  agon::PhiloxStream random(5, 0, 0);
  for (int round = 0; round < 20; ++round) {
    MemoryPlan plan;
    struct Life {
      size_t bytes;
      int first, last;
    };
    std::vector<Life> lives;
    for (int i = 0; i < 40; ++i) {
      const Life life{1 + random.below(5000), static_cast<int>(random.below(30)), 0};
      lives.push_back({life.bytes, life.first, life.first + static_cast<int>(random.below(8))});
      plan.use(plan.add(life.bytes), lives.back().first);
      plan.use(i, lives.back().last);
    }
    plan.solve();
    for (int i = 0; i < 40; ++i)
      for (int j = 0; j < i; ++j) {
        const auto &a = lives[static_cast<size_t>(i)], &b = lives[static_cast<size_t>(j)];
        if (a.last < b.first || b.last < a.first) continue;
        CHECK((plan.offset(i) + a.bytes <= plan.offset(j) || plan.offset(j) + b.bytes <= plan.offset(i)));
      }
    CHECK(plan.arena_bytes() < plan.total_bytes());
  }
}

// Were a chain of temporaries not to share, the arena would grow with the depth of the network.
TEST_CASE("a chain of equal buffers takes the room of two") {
  MemoryPlan plan;
  for (int i = 0; i < 10; ++i) {
    const int b = plan.add(1000);
    plan.use(b, i);
    plan.use(b, i + 1);
  }
  plan.solve();
  CHECK(plan.arena_bytes() == 2 * 1024);
}
