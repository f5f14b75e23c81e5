#pragma once
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "agon/program.h"

#include "backend/cuda/cuda_store.h"
#include "backend/cuda/frame.h"
#include "backend/cuda/fuse/accumulation.h"
#include "backend/cuda/fuse/squares.h"
#include "backend/cuda/fuse/summed.h"
#include "backend/cuda/fuse/update_tails.h"
#include "backend/cuda/fuse/virtual_values.h"
#include "backend/cuda/prologue.h"
#include "backend/cuda/tuner.h"
#include "graph/memory_plan.h"
#include "graph/passes/uses.h"
#include "graph/placement.h"

namespace agon::device {

namespace kernel = agon::cuda;  ///< the argument structs of cuda/kernels

/// Where a buffer lies once a program is set up.
struct BufferPlace {
  enum class Kind { arena, state, input, step_block, constants, workspace, shared_workspace };
  Kind kind = Kind::arena;
  int number = 0;     ///< of the arena's plan
  size_t offset = 0;  ///< within the kind's block
  size_t bytes = 0;
  std::byte* address = nullptr;  ///< of a state
};

/// A lowered graph: steps in order over buffers whose addresses are not known yet.
struct Lowered {
  std::vector<Step> steps;
  std::vector<BufferPlace> buffers;
  MemoryPlan plan;
  size_t input_bytes = 0, block_bytes = 0, constant_bytes = 0;
  size_t workspace_bytes = 0;         ///< zero before the first run
  size_t shared_workspace_bytes = 0;  ///< of the contractions, one after another
  struct Fill {
    size_t offset = 0;  ///< within the constants
    double value = 0;
    int64_t count = 0;
  };
  std::vector<Fill> constants;
  std::map<std::string, std::pair<Ref, ValueInfo>> inputs;
  std::map<std::string, Ref> scalars;
  std::vector<std::pair<std::string, Ref>> scalar_outputs;
  std::map<std::string, std::pair<Ref, ValueInfo>> tensor_outputs;
  std::vector<std::string> notes;              ///< fusions
  std::map<std::string, std::string> choices;  ///< autotune's
  int64_t batch = 0;       ///< images of a run, as far as the inputs and random leaves tell; or 0
  size_t fixed_bytes = 0;  ///< of the arena's, what does not grow with the batch, at most
};

/// What a node becomes, apart from its launch.
struct StepFacts {
  std::string detail;
  double flops = 0, bytes = 0;
};

/// Turns a graph into steps. All tensors are dense and row-major. Values that every reader can compute from
/// other memory as it reads (VirtualValues) get none of their own.
class Lowering {
 public:
  Lowering(const Graph& graph, CudaStore& store, const CompileOptions& options);
  Lowered run();

  const Graph& graph() const { return graph_; }
  const ValueInfo& info(int value) const { return graph_.value(value); }
  const Shape& shape(int value) const { return info(value).shape; }
  const CompileOptions& options() const { return options_; }
  const Device& device() const { return *store_.device(); }
  const agon_cuda_table& cuda() const { return store_.device()->cuda(); }
  const VirtualValues& virtual_values() const { return virtual_; }
  const Accumulation& accumulation() const { return accumulation_; }
  const SummedOutputs& summed_outputs() const { return summed_; }
  const SquaredSums& squared_sums() const { return squares_; }
  const UpdateTails& update_tails() const { return tails_; }
  const Uses& uses() const { return uses_; }

  /// Where `value` lies.
  Ref get(int value);
  /// Where an operand of a contraction lies, or what it is made of as it is read.
  Operand operand(int value);
  /// Index of the node being lowered.
  int position() const { return node_; }
  /// True if what makes `value` has been lowered.
  bool is_made(int value) const;
  /// True if the result `value` has its room already.
  bool is_placed(int value) const { return places_[static_cast<size_t>(value)].valid(); }
  /// True unless the result `value` goes into a state's memory that the nodes from this one on still read.
  bool may_take_room(int value) const;
  /// The value of a constant, or nullptr.
  const double* constant(int value) const;
  /// Room for the result `value`.
  Ref put(int value);
  /// As put(), for a result whose parts may have been put before it.
  Ref put_whole(int value);
  /// As put(), but in the memory of `operand` if the node being lowered is its only reader.
  Ref put_over(int value, int operand);
  bool can_put_over(int value, int operand) const;
  /// Declares that the result `value` is at `ref` (in-place updates).
  void put_at(int value, Ref ref);
  /// Declares that the virtual `value` is made of `operand` as it is read.
  void put_virtual(int value, Operand operand) { operands_[value] = operand; }
  /// Per-channel f32 that later steps read, such as partial sums; lives from this step to the last that uses
  /// it.
  Ref scratch(size_t bytes);
  /// Counts as used by the step that is emitted next.
  Ref touch(Ref ref);
  /// Scratch that is zero before the first run and belongs to one step; none for 0 bytes.
  Ref workspace(size_t bytes);
  /// Scratch of contractions.
  Ref shared_workspace(size_t bytes);
  /// The step block.
  Ref step_block() const { return step_block_; }

  /// Room for a trial run: takes no memory of the program's.
  Ref trial_room(size_t bytes) { return {add_arena(bytes), 0}; }
  /// Memory with random numbers for everything that the node being lowered has asked for, and for `more`.
  std::pair<Frame, DeviceMemory> trial(const std::vector<Ref>& more) const;
  Tuner& tuner() { return tuner_; }

  /// A frame with made-up addresses of the right alignment, for questions to kernels before there is memory.
  Frame preview() const;

  /// Appends a step; everything asked for since the last emit counts as used by it.
  void emit(Step step);
  /// Appends one launch for `node`: `bind` fills in the addresses of `args`.
  template <class Args, class Bind>
  void emit(const Node& node, StepFacts facts, Launch<Args> launch, Args args, Bind bind) {
    const std::string op(name_of(node.op));
    emit({op, node.name, std::move(facts.detail),
          [=, label = op + " " + node.name](const Frame& f) {
            Args bound = args;
            bind(f, bound);
            const auto& table = f.device->cuda();
            f.device->require((table.*launch)(f.device->context(), &bound), label);
          },
          facts.flops, facts.bytes});
  }
  /// As emit(), for kernels that want a workspace, as large as `size` says of the bound arguments.
  template <class Args, class Bind>
  void emit(const Node& node, StepFacts facts, Launch<Args> launch, WorkspaceSize<Args> size, Args args,
            Bind bind) {
    Args question = args;
    bind(preview(), question);
    const Ref room = workspace((cuda().*size)(&question));
    emit(node, std::move(facts), launch, args, [=](const Frame& f, Args& a) {
      bind(f, a);
      a.workspace = f.at<void>(room);
    });
  }
  void note(const Node& node, std::string_view action);

  size_t bytes_of(int value) const;

  // Facts that lowerings of one family leave for others.
  struct Statistics {  ///< partial sums of a contraction's result, by value
    Ref sums, squares, counts;
    int64_t partials = 0;
  };
  std::map<int, Statistics> statistics;
  struct NormScale {  ///< scale and shift of a batch norm, by the value of its mean
    Ref scale, shift;
  };
  std::map<int, NormScale> norm_scales;

 private:
  int add(BufferPlace place);
  int add_arena(size_t bytes);
  void append(Step step, const std::vector<Ref>& used);
  int viewed(int value) const;  ///< the value whose memory `value` shows
  Ref room_for(int value);
  Ref constant_memory(double value, const ValueInfo& type);
  void lower(const Node& node);
  void lower_leaf(const Node& node);
  void commit_states();
  void measure_batch();
  void place_outputs();

  const Graph& graph_;
  CudaStore& store_;
  CompileOptions options_;
  Lowered out_;
  std::vector<Ref> places_;  // per value
  Placement placement_;
  Uses uses_;
  Tuner tuner_;
  VirtualValues virtual_;
  Accumulation accumulation_;
  SummedOutputs summed_;
  SquaredSums squares_;
  UpdateTails tails_;
  std::map<int, Operand> operands_;
  std::map<std::pair<double, int64_t>, Ref> constants_;
  std::vector<Ref> pending_;
  Ref step_block_, shared_workspace_;
  int node_ = 0;  ///< index of the node being lowered
};

// One function per op family; each emits the step(s) of one node.
void lower_concat(Lowering& lowering, const Node& node);
void lower_contraction(Lowering& lowering, const Node& node);
void lower_copy(Lowering& lowering, const Node& node);
void lower_elementwise(Lowering& lowering, const Node& node);
void lower_gradient_penalty(Lowering& lowering, const Node& node);
void lower_indexing(Lowering& lowering, const Node& node);
void lower_loss(Lowering& lowering, const Node& node);
void lower_norm(Lowering& lowering, const Node& node);
void lower_sample_norm(Lowering& lowering, const Node& node);
void lower_spectral_norm(Lowering& lowering, const Node& node);
void lower_optimizer(Lowering& lowering, const Node& node);
void lower_random(Lowering& lowering, const Node& node);
void lower_reduce(Lowering& lowering, const Node& node);
void lower_window(Lowering& lowering, const Node& node);

}  // namespace agon::device
