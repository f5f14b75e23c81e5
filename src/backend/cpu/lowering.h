#pragma once
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agon/program.h"

#include "backend/cpu/cpu_store.h"
#include "backend/cpu/frame.h"
#include "backend/cpu/onednn.h"
#include "graph/memory_plan.h"
#include "graph/passes/uses.h"
#include "graph/placement.h"

namespace agon::cpu {

/// A lowered graph: steps in order over buffers whose addresses are known except for the arena.
struct Lowered {
  std::vector<Step> steps;
  std::vector<std::byte*> base;   ///< per buffer: its address, or null where it is in the arena
  std::vector<int> arena_buffer;  ///< per buffer: its number in `plan`, or -1
  MemoryPlan plan;
  std::vector<Buffer> owned;  ///< inputs, the step block, constants
  std::map<std::string, std::pair<Ref, ValueInfo>> inputs;
  std::map<std::string, Ref> scalars;
  std::vector<std::pair<std::string, Ref>> scalar_outputs;
  std::map<std::string, std::pair<Ref, ValueInfo>> tensor_outputs;
};

/// Turns a graph into steps. Each value may live in several layouts: get() converts on demand and remembers,
/// so a chain of convolutions stays blocked and weights are reordered once per update. Results that are only
/// parts of a concatenation (packed gradients) or the next content of a state are written there at once.
class Lowering {
 public:
  Lowering(const Graph& graph, CpuStore& store, std::shared_ptr<const Engine> engine);
  Lowered run();

  const Graph& graph() const { return graph_; }
  const std::shared_ptr<const Engine>& engine() const { return engine_; }
  const ValueInfo& info(int value) const { return graph_.value(value); }
  size_t bytes_of(int value) const;

  /// Where `value` lies in `layout`; appends a conversion if it lies only in the other.
  Ref get(int value, Layout layout = Layout::plain);
  /// Where a bf16 value lies as f32, converted if need be; f32 values as they lie plain.
  Ref get_wide(int value);
  /// Where the weights `value` (KRSC) lie in a layout of oneDNN's choice.
  Ref get_weights(int value, int64_t groups, const dnnl::memory::desc& wanted);
  /// True if get() would not have to convert.
  bool has(int value, Layout layout) const;
  /// The blocked layout if `value` lies in it, else the plain one.
  Layout resident(int value) const { return has(value, Layout::blocked) ? Layout::blocked : Layout::plain; }
  /// Room for the result `value`.
  Ref put(int value, Layout layout = Layout::plain);
  /// As put(), but in the memory of `operand`, if the node being lowered is its only reader: the result is
  /// then written over lines that are in the cache already. For kernels that allow it.
  Ref put_over(int value, int operand, Layout layout);
  bool can_put_over(int value, int operand, Layout layout) const;
  /// False for a result that nothing asks for.
  bool is_read(int value) const { return !uses_.of(value).empty(); }
  /// Declares that the result `value` is at `ref` (in-place updates).
  void put_at(int value, Ref ref);
  /// Room that only the next emitted step uses.
  Ref scratch(size_t bytes);
  /// Appends a step; everything asked for since the last emit counts as used by it.
  void emit(Step step);

 private:
  int add_arena(size_t bytes);
  int add_fixed(std::byte* address);
  Ref owned(size_t bytes);
  Ref touch(Ref ref);
  void lower(const Node& node);
  void lower_leaf(const Node& node);
  void lower_concat(const Node& node);
  void commit_states();
  void place_outputs();
  void append(Step step, const std::vector<Ref>& used);
  Ref constant(double value, int64_t count);
  Ref room_for(int value);

  const Graph& graph_;
  CpuStore& store_;
  std::shared_ptr<const Engine> engine_;
  Lowered out_;
  std::vector<Ref> plain_, blocked_;  // per value
  Placement placement_;
  std::map<int, Ref> widened_;
  std::map<int, std::vector<std::pair<dnnl::memory::desc, Ref>>> weights_;
  std::map<std::pair<double, int64_t>, Ref> constants_;
  std::vector<Ref> pending_;
  Uses uses_;
  int node_ = 0;  ///< index of the node being lowered
};

// One function per op family; each emits the step(s) of one node.
void lower_contraction(Lowering& lowering, const Node& node);
void lower_elementwise(Lowering& lowering, const Node& node);
void lower_gradient_penalty(Lowering& lowering, const Node& node);
void lower_loss(Lowering& lowering, const Node& node);
void lower_norm(Lowering& lowering, const Node& node);
void lower_sample_norm(Lowering& lowering, const Node& node);
void lower_spectral_norm(Lowering& lowering, const Node& node);
void lower_optimizer(Lowering& lowering, const Node& node);
void lower_shape(Lowering& lowering, const Node& node);
void lower_window(Lowering& lowering, const Node& node);
void lower_random(Lowering& lowering, const Node& node);

/// True if the contraction is one for the hand-written kernels of thin_conv.h.
bool is_thin(const Graph& graph, const Node& node);

/// "[64, 8, 8, 128] blocked".
std::string describe(const Shape& shape, Layout layout);

}  // namespace agon::cpu
