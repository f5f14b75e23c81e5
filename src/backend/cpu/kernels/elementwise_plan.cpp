#include "backend/cpu/kernels/elementwise_plan.h"

#include <algorithm>
#include <numeric>

#include "backend/cpu/kernels/elementwise_chain.h"

namespace agon::cpu {
namespace {

constexpr int64_t min_block = 256, max_tile = 1024;
constexpr int64_t beyond_cache = int64_t{1} << 20;  // elements

class Planner {
 public:
  Planner(const ElementwiseProgram& program, const Shape& extents, std::span<const ElementwiseOperand> inputs,
          std::span<const ElementwiseOperand> outputs)
      : chain_(chain_of(program, static_cast<int>(inputs.size()))),
        results_(program.outputs),
        last_use_(program.code.size(), 0),
        temporary_slot_(program.code.size(), -1) {
    check(inputs.size() + outputs.size() <= ElementwisePlan::max_operands, ErrorKind::unsupported,
          "elementwise: {} inputs and {} outputs are more than {}; fuse less", inputs.size(), outputs.size(),
          ElementwisePlan::max_operands);
    check(results_.size() == outputs.size(), ErrorKind::internal, "elementwise: {} outputs but {} strides",
          results_.size(), outputs.size());
    plan_.inputs = static_cast<int>(inputs.size());
    plan_.outputs = static_cast<int>(outputs.size());
    LoopNest nest{extents, {}};
    for (const auto& operands : {inputs, outputs})
      for (const ElementwiseOperand& operand : operands) {
        nest.operands.push_back(operand.strides);
        plan_.narrow.push_back(operand.narrow);
      }
    plan_.nest = nest.collapsed();
  }

  ElementwisePlan run() {
    split_blocks();
    find_last_uses();
    stage_inputs();
    for (size_t i = 0; i < chain_.size(); ++i) emit(i);
    write_outputs();
    check(plan_.tiles <= ElementwisePlan::max_tiles, ErrorKind::unsupported,
          "elementwise: {} temporaries alive at once are more than {}; fuse less", plan_.tiles,
          ElementwisePlan::max_tiles);
    choose_tile_size();
    const int64_t points = plan_.nest.extents.numel();
    plan_.prefetch = plan_.steps.size() > 1 && points * (plan_.inputs + plan_.outputs) > beyond_cache;
    return std::move(plan_);
  }

 private:
  static size_t at(int i) { return static_cast<size_t>(i); }
  const Strides& strides(int operand) const { return plan_.nest.operands[at(operand)]; }

  /// Blocks take in axes until they are worth their overhead; beyond that only axes along which every operand
  /// goes on as before.
  void split_blocks() {
    const Shape& extents = plan_.nest.extents;
    plan_.block_axis = extents.rank() - 1;
    plan_.block_size = extents[-1];
    const auto goes_on = [&](const Strides& s) {
      const int64_t step = s[at(plan_.block_axis - 1)];
      return step == 0 || step == s[at(plan_.block_axis)] * extents[plan_.block_axis];
    };
    while (plan_.block_axis > 0 &&
           (plan_.block_size < min_block ||
            (plan_.block_size < max_tile && std::ranges::all_of(plan_.nest.operands, goes_on))))
      plan_.block_size *= extents[--plan_.block_axis];
    for (int axis = 0; axis < plan_.block_axis; ++axis) plan_.blocks *= extents[axis];
  }

  /// Whether the points of a block lie one after another, as f32.
  bool contiguous(int operand) const {
    if (plan_.narrow[at(operand)]) return false;
    int64_t step = 1;
    for (int axis = plan_.nest.extents.rank() - 1; axis >= plan_.block_axis; --axis) {
      if (strides(operand)[at(axis)] != step) return false;
      step *= plan_.nest.extents[axis];
    }
    return true;
  }

  /// After how many points of a block an operand's values repeat.
  int64_t period(int operand) const {
    const Shape& extents = plan_.nest.extents;
    int axis = plan_.block_axis;
    while (axis < extents.rank() && strides(operand)[at(axis)] == 0) ++axis;
    int64_t points = 1;
    for (; axis < extents.rank(); ++axis) points *= extents[axis];
    return points;
  }

  /// last_use_: by temporary, the last position in the chain that reads it; beyond the end for outputs.
  void find_last_uses() {
    for (size_t i = 0; i < chain_.size(); ++i) {
      last_use_[at(chain_[i].result)] = i;
      for (int operand : chain_[i].operands)
        if (operand >= plan_.inputs) last_use_[at(operand - plan_.inputs)] = i;
    }
    for (int result : results_) last_use_[at(result)] = chain_.size();
  }

  void stage_inputs() {
    input_slot_.resize(at(plan_.inputs));
    std::iota(input_slot_.begin(), input_slot_.end(), 0);
    for (int i = 0; i < plan_.inputs; ++i) {
      const bool read = std::ranges::any_of(
          chain_, [&](const ChainOp& op) { return std::ranges::count(op.operands, i) > 0; });
      if (!read || contiguous(i)) continue;
      const int tile = plan_.tiles++;
      plan_.loads.push_back({i, tile, 0});
      input_slot_[at(i)] = plan_.tile_slot(tile);
    }
  }

  /// An output may be the same array as an input of equal strides: whether a later instruction still reads
  /// such an input in place.
  bool read_later(size_t position, int output) const {
    for (size_t i = position + 1; i < chain_.size(); ++i)
      for (int operand : chain_[i].operands)
        if (operand < plan_.inputs && input_slot_[at(operand)] == operand &&
            strides(operand) == strides(plan_.inputs + output))
          return true;
    return false;
  }

  /// Where the chain's i-th result goes: straight into an output if that is safe, else into a tile.
  int result_slot(size_t i) {
    for (int k = 0; k < plan_.outputs; ++k)
      if (results_[at(k)] == chain_[i].result && contiguous(plan_.inputs + k) && !read_later(i, k))
        return plan_.inputs + k;
    if (free_.empty()) return plan_.tile_slot(plan_.tiles++);
    const int slot = free_.back();
    free_.pop_back();
    return slot;
  }

  void release(size_t temporary) {
    if (temporary_slot_[temporary] >= plan_.tile_slot(0)) free_.push_back(temporary_slot_[temporary]);
  }

  void emit(size_t i) {
    const ChainOp& op = chain_[i];
    ElementwisePlan::Step step{op.instruction, op.pass, 0, {}};
    for (size_t k = 0; k < step.x.size(); ++k) {
      const int operand = op.operands[k < op.operands.size() ? k : 0];
      step.x[k] =
          operand < plan_.inputs ? input_slot_[at(operand)] : temporary_slot_[at(operand - plan_.inputs)];
    }
    for (size_t t = 0; t < last_use_.size(); ++t)
      if (last_use_[t] == i && static_cast<int>(t) != op.result) release(t);
    step.y = temporary_slot_[at(op.result)] = result_slot(i);
    if (last_use_[at(op.result)] == i) release(at(op.result));
    plan_.steps.push_back(step);
  }

  void write_outputs() {
    ElementwiseProgram::Instruction copy{Op::activation, {}, {}, {}};
    for (int k = 0; k < plan_.outputs; ++k) {
      const int slot = temporary_slot_[at(results_[at(k)])];
      if (slot == plan_.inputs + k) continue;
      if (contiguous(plan_.inputs + k)) {
        plan_.steps.push_back({copy, nullptr, plan_.inputs + k, {slot, slot, slot, slot}});
      } else {
        plan_.stores.push_back({plan_.inputs + k, slot});
      }
    }
  }

  /// As large as the scratch allows, and a multiple of the periods of broadcast inputs, so that these are
  /// loaded once a block and not once a tile.
  void choose_tile_size() {
    int64_t size = std::min(max_tile, ElementwisePlan::scratch_size / std::max(plan_.tiles, 1)) / 16 * 16;
    if (size >= plan_.block_size) {
      size = plan_.block_size;
    } else {
      int64_t longest = 1;
      for (const auto& load : plan_.loads)
        if (period(load.operand) <= size) longest = std::max(longest, period(load.operand));
      const int64_t aligned = std::lcm(longest, int64_t{16});
      size -= size % (aligned <= size ? aligned : longest);
    }
    plan_.tile_size = std::max<int64_t>(size, 1);
    for (auto& load : plan_.loads) load.period = period(load.operand);
  }

  const std::vector<ChainOp> chain_;
  const std::vector<int>& results_;
  ElementwisePlan plan_;
  std::vector<size_t> last_use_;
  std::vector<int> temporary_slot_, input_slot_, free_;
};

}  // namespace

ElementwisePlan plan_elementwise(const ElementwiseProgram& program, const Shape& extents,
                                 std::span<const ElementwiseOperand> inputs,
                                 std::span<const ElementwiseOperand> outputs) {
  return Planner(program, extents, inputs, outputs).run();
}

}  // namespace agon::cpu
