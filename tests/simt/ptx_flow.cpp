// Control flow and registers, against slow and plain ways to find the same.
#include <algorithm>
#include <random>

#include "catch.h"
#include "cuda/simt/decode/flow.h"
#include "cuda/simt/decode/registers.h"

using namespace agon::simt;
using namespace agon::simt::ptx;

namespace {

Instruction jump(uint32_t target, bool conditional) {
  Instruction i;
  i.op = Op::Bra;
  i.target = target;
  if (conditional) i.guard = 4;
  return i;
}

// Can `from` leave the kernel without passing `avoided`?
bool leaves_without(const FlowGraph& graph, uint32_t from, uint32_t avoided) {
  std::vector<bool> seen(graph.size());
  std::vector<uint32_t> stack{from};
  while (!stack.empty()) {
    const uint32_t block = stack.back();
    stack.pop_back();
    if (block == avoided || seen[block]) continue;
    seen[block] = true;
    if (graph.exits[block]) return true;
    for (const uint32_t s : graph.successors[block]) stack.push_back(s);
  }
  return false;
}

std::vector<Instruction> random_program(std::mt19937& random, uint32_t size) {
  std::vector<Instruction> program(size);
  for (Instruction& i : program) {
    const uint32_t kind = random() % 8;
    if (kind == 0) i = jump(random() % size, false);
    if (kind == 1 || kind == 2) i = jump(random() % size, true);
    if (kind == 3 && random() % 4 == 0) i.op = Op::Exit;
    if (kind == 3 && random() % 2 == 0) i.guard = 4;
  }
  program.back() = {};
  program.back().op = Op::Exit;
  return program;
}

}  // namespace

// Broken: lanes that part at a branch meet again too late (wrong barriers) or too early (wrong results).
TEST_CASE("post-dominators equal those by removal of blocks", "[ptx]") {
  std::mt19937 random(7);
  for (int trial = 0; trial < 400; ++trial) {
    const auto program = random_program(random, 5 + random() % 40);
    const FlowGraph graph = flow_graph(program, {});
    const std::vector<uint32_t> found = post_dominators(graph);
    const auto dominates = [&](uint32_t d, uint32_t b) { return d != b && !leaves_without(graph, b, d); };
    for (uint32_t b = 0; b < graph.size(); ++b) {
      if (!leaves_without(graph, b, graph.size())) {
        CHECK(found[b] == graph.size());  // an endless loop
        continue;
      }
      // The immediate one is dominated by every other post-dominator.
      uint32_t expected = graph.size();
      for (uint32_t d = 0; d < graph.size(); ++d)
        if (dominates(d, b) && (expected == graph.size() || dominates(expected, d))) expected = d;
      CHECK(found[b] == expected);
    }
  }
}

// Broken: two values that live at once share a slot, or a destination lies over a source of another width.
TEST_CASE("register slots keep every live value", "[ptx]") {
  std::mt19937 random(11);
  for (int trial = 0; trial < 300; ++trial) {
    Draft draft;
    draft.instructions = random_program(random, 10 + random() % 60);
    const uint32_t registers = 3 + random() % 30;
    for (uint32_t r = 0; r < registers; ++r)
      draft.registers.push_back(static_cast<RegisterClass>(random() % 3));
    for (Instruction& i : draft.instructions) {
      draft.first_reference.push_back(static_cast<uint32_t>(draft.references.size()));
      if (i.op != Op::Nop) continue;
      for (const Field field : {Field::d, Field::a, Field::b})
        if (random() % 4) {
          Reference r;
          r.field = field;
          r.written = field == Field::d;
          r.reg = static_cast<int32_t>(random() % registers);
          draft.references.push_back(r);
        }
    }
    draft.first_reference.push_back(static_cast<uint32_t>(draft.references.size()));
    const FlowGraph graph = flow_graph(draft.instructions, {});
    const Allocation allocation = allocate_registers(draft, graph);

    const auto lines = [&](int32_t reg) {  // that a register takes; predicates in a space of their own
      const int32_t slot = allocation.slots[static_cast<size_t>(reg)];
      switch (draft.registers[static_cast<size_t>(reg)]) {
        case RegisterClass::predicate:
          return std::vector<int32_t>{1000 + slot};
        case RegisterClass::b32:
          return std::vector<int32_t>{slot};
        default:
          return std::vector<int32_t>{slot, slot + 1};
      }
    };
    for (uint32_t r = 0; r < registers; ++r)
      for (const int32_t line : lines(static_cast<int32_t>(r)))
        CHECK(line < static_cast<int32_t>(line >= 1000 ? 1000 + allocation.predicates
                                                       : std::max(allocation.lines, 2u)));

    // Walk the program at random; every read must find what was last written to that register.
    for (int walk = 0; walk < 20; ++walk) {
      std::vector<int> value(registers, -1);
      std::vector<int> stored(3000, -1);
      int next = 0;
      uint32_t at = 0;
      for (int step = 0; step < 400; ++step) {
        const Instruction& i = draft.instructions[at];
        const bool acts = i.guard == always_true || random() % 2;
        const auto references = draft.references_of(at);
        for (const Reference& r : references) {
          if (r.written) continue;
          const auto reg = static_cast<size_t>(r.reg);
          if (value[reg] >= 0)
            for (const int32_t line : lines(r.reg)) REQUIRE(stored[static_cast<size_t>(line)] == value[reg]);
          for (const Reference& w : references)
            if (w.written && w.reg != r.reg)
              for (const int32_t line : lines(r.reg))
                for (const int32_t other : lines(w.reg)) REQUIRE(line != other);
        }
        for (const Reference& r : references) {
          if (!r.written || !acts) continue;
          value[static_cast<size_t>(r.reg)] = next;
          for (const int32_t line : lines(r.reg)) stored[static_cast<size_t>(line)] = next;
          ++next;
        }
        if (i.op == Op::Exit && acts) break;
        at = i.op == Op::Bra && acts ? i.target : at + 1;
        if (at == draft.instructions.size()) break;
      }
    }
  }
}

// Broken: slots are handed out without reuse, so that a warp's registers outgrow the caches.
TEST_CASE("register slots are used again", "[ptx]") {
  Draft draft;
  for (int i = 0; i < 1000; ++i) {
    const int32_t reg = draft.new_register(RegisterClass::b32);
    draft.first_reference.push_back(static_cast<uint32_t>(draft.references.size()));
    if (reg > 0) draft.references.push_back({Field::a, false, false, reg - 1, 0});
    draft.references.push_back({Field::d, true, false, reg, 0});
    draft.instructions.emplace_back();
  }
  draft.first_reference.push_back(static_cast<uint32_t>(draft.references.size()));
  const Allocation allocation = allocate_registers(draft, flow_graph(draft.instructions, {}));
  CHECK(allocation.lines == 2);
  CHECK(allocation.registers == 1);
}
