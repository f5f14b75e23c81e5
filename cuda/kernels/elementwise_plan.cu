#include "cuda/kernels/elementwise_plan.h"

namespace agon::cuda {
namespace {

/// The extents and every operand's strides, with axes merged where no operand tells them apart.
struct Space {
  int rank = 0;
  int64_t numel = 1, extents[max_rank] = {}, strides[elementwise_max_operands][max_rank] = {};
};

bool mergeable(const Space& s, const ElementwiseArgs& args, int axis) {
  for (int k = 0; k < args.input_count; ++k)
    if (s.strides[k][s.rank - 1] != args.inputs[k].strides[axis] * args.extents[axis]) return false;
  return true;
}

Space merge_axes(const ElementwiseArgs& args) {
  Space s;
  for (int axis = 0; axis < args.rank; ++axis) {
    s.numel *= args.extents[axis];
    if (args.extents[axis] == 1) continue;
    const bool merge = s.rank > 0 && mergeable(s, args, axis);
    if (merge)
      s.extents[s.rank - 1] *= args.extents[axis];
    else
      s.extents[s.rank++] = args.extents[axis];
    for (int k = 0; k < args.input_count; ++k) s.strides[k][s.rank - 1] = args.inputs[k].strides[axis];
  }
  return s;
}

Access access_of(const Space& s, int k) {
  bool uniform = true, dense = true;
  int64_t step = 1;
  for (int axis = s.rank; axis-- > 0; step *= s.extents[axis]) {
    uniform = uniform && s.strides[k][axis] == 0;
    dense = dense && s.strides[k][axis] == step;
  }
  if (uniform) return Access::uniform;
  if (dense) return Access::dense;
  return s.strides[k][s.rank - 1] == 0 ? Access::splat : Access::row;
}

/// True if four neighbours can be read at once.
bool reads_four(const Space& s, const ElementwiseInput& input, int k, Access access) {
  if (access == Access::uniform || access == Access::splat) return true;
  if (!aligned(input.data, static_cast<size_t>(4 * size_of(input.dtype)))) return false;
  if (access == Access::dense) return true;
  for (int axis = 0; axis + 1 < s.rank; ++axis)
    if (s.strides[k][axis] % 4 != 0) return false;
  return s.strides[k][s.rank - 1] == 1;
}

bool four_wide(const ElementwiseArgs& args, const Space& s, const Access* access) {
  if (s.rank == 0 || s.extents[s.rank - 1] % 4 != 0) return false;
  for (int k = 0; k < args.input_count; ++k)
    if (!reads_four(s, args.inputs[k], k, access[k])) return false;
  for (int k = 0; k < args.output_count; ++k) {
    const auto& out = args.outputs[k];
    if (!out.sum && !aligned(out.data, static_cast<size_t>(4 * size_of(out.dtype)))) return false;
  }
  return true;
}

/// Places every temporary in a slot that nobody needs any more. Uniform operands keep theirs: they are read
/// once.
class Slots {
 public:
  Slots(const ElementwiseArgs& args, ElementwisePlan& plan) : args_(args), plan_(plan) {
    for (int& last : last_use_) last = -1;
    for (int j = 0; j < args.code_count; ++j)
      for (const int operand : args.code[j].operands)
        if (operand >= 0) last_use_[operand] = j;
    for (int k = 0; k < args.output_count; ++k)
      last_use_[args.input_count + args.outputs[k].temporary] = args.code_count;
  }

  void place() {
    for (int k = 0; k < args_.input_count; ++k) place_of_[k] = plan_.input[k].slot = plan_.slots++;
    for (int j = 0; j < args_.code_count; ++j) {
      auto& to = plan_.instruction[j];
      uint8_t* const from[3] = {&to.a, &to.b, &to.c};
      for (int i = 0; i < 3; ++i) {
        const int operand = args_.code[j].operands[i];
        *from[i] = static_cast<uint8_t>(operand < 0 ? 0 : place_of_[operand]);
      }
      for (int i = 0; i < 3; ++i) release(args_.code[j].operands[i], j);
      const int temporary = args_.input_count + j;
      place_of_[temporary] = free_count_ > 0 ? free_[--free_count_] : plan_.slots++;
      to.to = static_cast<uint8_t>(place_of_[temporary]);
      if (last_use_[temporary] < 0) release(temporary, -1);
    }
    for (int k = 0; k < args_.output_count; ++k)
      plan_.output[k].slot = place_of_[args_.input_count + args_.outputs[k].temporary];
  }

 private:
  void release(int operand, int at) {
    if (operand < 0 || last_use_[operand] != at) return;
    if (operand < args_.input_count && plan_.input[operand].access == Access::uniform) return;
    last_use_[operand] = -2;  // an operand may be named twice
    free_[free_count_++] = place_of_[operand];
  }

  const ElementwiseArgs& args_;
  ElementwisePlan& plan_;
  int last_use_[elementwise_max_operands + elementwise_max_code];
  int place_of_[elementwise_max_operands + elementwise_max_code] = {};
  int free_[elementwise_max_operands + elementwise_max_code] = {}, free_count_ = 0;
};

bool within_limits(const ElementwiseArgs& args) {
  if (args.rank < 0 || args.rank > max_rank || args.input_count < 0 || args.output_count < 1 ||
      args.input_count + args.output_count > elementwise_max_operands || args.code_count < 1 ||
      args.code_count > elementwise_max_code)
    return false;
  for (int j = 0; j < args.code_count; ++j)
    for (const int operand : args.code[j].operands)
      if (operand >= args.input_count + j) return false;
  for (int k = 0; k < args.output_count; ++k)
    if (args.outputs[k].temporary < 0 || args.outputs[k].temporary >= args.code_count) return false;
  return true;
}

}  // namespace

bool plan_elementwise(const ElementwiseArgs& args, bool scalar, ElementwisePlan& plan) {
  if (!within_limits(args)) return false;
  const Space s = merge_axes(args);
  if (s.numel >= int64_t{1} << 31) return false;
  plan = {};
  plan.rank = s.rank;
  plan.inputs = args.input_count;
  plan.outputs = args.output_count;
  plan.code = args.code_count;
  for (int axis = 0; axis < s.rank; ++axis) plan.extents[axis] = Divider(s.extents[axis]);

  Access access[elementwise_max_operands];
  for (int k = 0; k < args.input_count; ++k) {
    const auto& input = args.inputs[k];
    access[k] = input.data == nullptr ? Access::uniform : access_of(s, k);
    plan.input[k] = {input.data, input.value, input.dtype, access[k], 0, {}};
    for (int axis = 0; axis < s.rank; ++axis)
      plan.input[k].strides[axis] = static_cast<int32_t>(s.strides[k][axis]);
  }
  plan.width = !scalar && four_wide(args, s, access) ? 4 : 1;
  plan.groups = static_cast<uint32_t>(s.numel / plan.width);
  for (int k = 0; k < args.output_count; ++k) {
    const auto& out = args.outputs[k];
    plan.output[k] = {out.data, out.scale, out.dtype, 0, out.sum ? plan.sums++ : -1};
  }
  for (int j = 0; j < args.code_count; ++j) {
    const auto& in = args.code[j];
    auto& to = plan.instruction[j];
    to.op = static_cast<uint8_t>(in.op);
    to.activation = static_cast<uint8_t>(in.activation.kind);
    to.p = in.op == ElementwiseOp::clamp ? in.lo : in.activation.alpha;
    to.q = in.hi;
  }
  Slots(args, plan).place();
  return true;
}

}  // namespace agon::cuda
