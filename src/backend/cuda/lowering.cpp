#include "backend/cuda/lowering.h"

#include <algorithm>

#include "backend/commit_states.h"
#include "graph/alias.h"

namespace agon::device {

Lowering::Lowering(const Graph& graph, CudaStore& store, const CompileOptions& options)
    : graph_(graph),
      store_(store),
      options_(options),
      places_(static_cast<size_t>(graph.value_count())),
      placement_(graph),
      uses_(graph),
      tuner_(store.device(), options) {
  if (options.fuse) {
    virtual_ = VirtualValues(graph, uses_);
    accumulation_ = Accumulation(graph, uses_, placement_);
    squares_ = SquaredSums(graph, uses_);
    summed_ = SummedOutputs(graph, uses_, placement_, squares_);
    tails_ = UpdateTails(graph, uses_, placement_);
  }
  for (const auto& [node, action] : virtual_.notes()) note(graph_.node(node), action);
  for (const auto& [node, action] : accumulation_.notes()) note(graph_.node(node), action);
  for (const auto& [node, action] : summed_.notes()) note(graph_.node(node), action);
  for (const auto& [node, action] : squares_.notes()) note(graph_.node(node), action);
  for (const auto& [node, action] : tails_.notes()) note(graph_.node(node), action);
  step_block_ = {add({BufferPlace::Kind::step_block}), 0};
  out_.block_bytes = sizeof(agon_cuda_step);
  shared_workspace_ = {add({BufferPlace::Kind::shared_workspace}), 0};
}

size_t Lowering::bytes_of(int value) const {
  return static_cast<size_t>(shape(value).numel()) * size_of(info(value).dtype);
}

void Lowering::note(const Node& node, std::string_view action) {
  out_.notes.push_back(fmt::format("{} {}: {}", name_of(node.op), node.name, action));
}

int Lowering::add(BufferPlace place) {
  out_.buffers.push_back(place);
  return static_cast<int>(out_.buffers.size()) - 1;
}

int Lowering::add_arena(size_t bytes) {
  return add({BufferPlace::Kind::arena, out_.plan.add(std::max<size_t>(bytes, 1)), 0, bytes});
}

namespace {

/// The next multiple of what vector loads and memory transactions like.
size_t aligned(size_t bytes) {
  return (bytes + 255) / 256 * 256;
}

}  // namespace

Ref Lowering::touch(Ref ref) {
  if (ref.valid()) pending_.push_back(ref);
  return ref;
}

Ref Lowering::scratch(size_t bytes) {
  return touch({add_arena(bytes), 0});
}

Ref Lowering::workspace(size_t bytes) {
  if (bytes == 0) return {};
  const size_t at = out_.workspace_bytes;
  out_.workspace_bytes += aligned(bytes);
  return {add({BufferPlace::Kind::workspace, 0, at, bytes}), 0};
}

Ref Lowering::shared_workspace(size_t bytes) {
  if (bytes == 0) return {};
  out_.shared_workspace_bytes = std::max(out_.shared_workspace_bytes, bytes);
  return shared_workspace_;
}

Frame Lowering::preview() const {
  Frame frame;
  frame.device = store_.device().get();
  frame.base.assign(out_.buffers.size(), reinterpret_cast<std::byte*>(uintptr_t{1} << 20));
  return frame;
}

std::pair<Frame, DeviceMemory> Lowering::trial(const std::vector<Ref>& more) const {
  std::map<int, size_t> offsets;  // by buffer
  size_t total = aligned(sizeof(agon_cuda_step));
  const auto place = [&](Ref ref) {
    if (!ref.valid() || offsets.contains(ref.buffer)) return;
    offsets[ref.buffer] = total;
    total += aligned(out_.buffers[static_cast<size_t>(ref.buffer)].bytes);
  };
  for (Ref ref : pending_) place(ref);
  for (Ref ref : more) place(ref);
  DeviceMemory memory(store_.device(), total, "timing kernels");
  memory.clear();
  kernel::RandomArgs numbers;
  numbers.step = reinterpret_cast<const uint64_t*>(memory.data());
  for (Ref ref : pending_) {
    numbers.y = memory.data() + offsets.at(ref.buffer);
    numbers.count = static_cast<int64_t>(out_.buffers[static_cast<size_t>(ref.buffer)].bytes / sizeof(float));
    store_.device()->require(cuda().random(store_.device()->context(), &numbers), "timing kernels");
  }
  Frame frame = preview();
  for (const auto& [buffer, offset] : offsets)
    frame.base[static_cast<size_t>(buffer)] = memory.data() + offset;
  return {std::move(frame), std::move(memory)};
}

void Lowering::append(Step step, const std::vector<Ref>& used) {
  const int number = static_cast<int>(out_.steps.size());
  for (Ref ref : used)
    if (const BufferPlace& place = out_.buffers[static_cast<size_t>(ref.buffer)];
        place.kind == BufferPlace::Kind::arena)
      out_.plan.use(place.number, number);
  out_.steps.push_back(std::move(step));
}

void Lowering::emit(Step step) {
  append(std::move(step), pending_);
  pending_.clear();
}

Ref Lowering::room_for(int value) {
  if (const int total = accumulation_.find(value).total; total >= 0) {
    Ref& ref = places_[static_cast<size_t>(total)];
    return ref.valid() ? ref : ref = room_for(total);
  }
  if (const int state = placement_.state_home(value); state >= 0) return places_[static_cast<size_t>(state)];
  if (const auto [whole, at] = placement_.home(value); whole >= 0) {
    Ref& ref = places_[static_cast<size_t>(whole)];
    if (!ref.valid()) ref = room_for(whole);
    return ref + at * static_cast<int64_t>(size_of(info(value).dtype));
  }
  return {add_arena(bytes_of(value)), 0};
}

Ref Lowering::put(int value) {
  return touch(places_[static_cast<size_t>(value)] = room_for(value));
}

Ref Lowering::put_whole(int value) {
  Ref& place = places_[static_cast<size_t>(value)];
  return place.valid() ? touch(place) : put(value);
}

bool Lowering::can_put_over(int value, int operand) const {
  const Ref ref = places_[static_cast<size_t>(operand)];
  const bool own = ref.valid() &&
                   out_.buffers[static_cast<size_t>(ref.buffer)].kind == BufferPlace::Kind::arena &&
                   placement_.view_of(operand).value < 0 && placement_.home(operand).value < 0;
  const bool free =
      uses_.sole(operand) == node_ && !placement_.is_placed(value) && accumulation_.find(value).total < 0;
  return own && free && shape(value) == shape(operand) && info(value).dtype == info(operand).dtype;
}

Ref Lowering::put_over(int value, int operand) {
  if (!can_put_over(value, operand)) return put(value);
  return touch(places_[static_cast<size_t>(value)] = places_[static_cast<size_t>(operand)]);
}

void Lowering::put_at(int value, Ref ref) {
  places_[static_cast<size_t>(value)] = touch(ref);
}

const double* Lowering::constant(int value) const {
  const Node& node = graph_.producer(value);
  return node.op == Op::constant ? &node.get<FillAttr>().value : nullptr;
}

Ref Lowering::constant_memory(double value, const ValueInfo& type) {
  const int64_t count = type.shape.numel();
  auto [found, fresh] = constants_.try_emplace({value, count});
  if (fresh) {
    const size_t at = out_.constant_bytes;
    out_.constants.push_back({at, value, count});
    out_.constant_bytes += aligned(static_cast<size_t>(count) * sizeof(float));
    found->second = {add({BufferPlace::Kind::constants, 0, at, static_cast<size_t>(count) * sizeof(float)}),
                     0};
  }
  return found->second;
}

int Lowering::viewed(int value) const {
  while (placement_.view_of(value).value >= 0) value = placement_.view_of(value).value;
  return value;
}

bool Lowering::may_take_room(int value) const {
  const int state = placement_.state_home(value);
  for (int i = node_; state >= 0 && i < static_cast<int>(graph_.nodes().size()); ++i)
    for (int id : graph_.node(i).inputs)
      if (viewed(id) == state) return false;
  return true;
}

bool Lowering::is_made(int value) const {
  value = viewed(value);
  const Node& producer = graph_.producer(value);
  return producer.op == Op::state || graph_.value(value).producer < node_;
}

Ref Lowering::get(int value) {
  Ref& place = places_[static_cast<size_t>(value)];
  if (place.valid()) return touch(place);
  if (const double* filled = constant(value)) return touch(place = constant_memory(*filled, info(value)));
  const auto [source, at] = placement_.view_of(value);
  check(source >= 0 && !virtual_.contains(value), ErrorKind::internal,
        "cuda: value {} of '{}' is not in memory", value, graph_.producer(value).name);
  const Ref base = get(source);
  return touch(place = base + at * static_cast<int64_t>(size_of(info(source).dtype)));
}

Operand Lowering::operand(int value) {
  int source = value;
  while (!operands_.contains(source) && placement_.view_of(source).value >= 0)
    source = placement_.view_of(source).value;
  const auto found = operands_.find(source);
  if (found == operands_.end()) {
    Operand plain;
    plain.data = get(value);
    return plain;
  }
  const Operand& made = found->second;
  for (Ref ref : {made.data, made.scale, made.shift, made.z, made.coefficients}) touch(ref);
  return made;
}

void Lowering::lower_leaf(const Node& node) {
  const int value = node.outputs[0];
  const ValueInfo& type = info(value);
  Ref& place = places_[static_cast<size_t>(value)];
  switch (node.op) {
    case Op::input:
      place = {add({BufferPlace::Kind::input, 0, out_.input_bytes, bytes_of(value)}), 0};
      out_.input_bytes += aligned(bytes_of(value));
      out_.inputs[node.name] = {place, type};
      return;
    case Op::scalar: {
      auto [found, fresh] = out_.scalars.try_emplace(node.name);
      if (fresh) {
        found->second = step_block_ + static_cast<int64_t>(out_.block_bytes);
        out_.block_bytes += sizeof(float);
      }
      place = found->second;
      return;
    }
    case Op::state:
      store_.declare(node.name, type.dtype, type.shape);
      place = {add({BufferPlace::Kind::state, 0, 0, bytes_of(value), store_.address(node.name)}), 0};
      return;
    case Op::constant:
      return;  // memory only where a reader asks for it
    default:
      return lower_random(*this, node);
  }
}

void Lowering::lower(const Node& node) {
  if (node.inputs.empty()) return lower_leaf(node);
  if (is_view(graph_, node)) return;
  if (accumulation_.makes(node.outputs[0]) || summed_.makes(node.outputs[0]) ||
      squares_.root_of(node.outputs[0]) >= 0 || tails_.makes(node.outputs[0]))
    return;
  if (is_elementwise(node.op) || node.op == Op::cast || node.op == Op::elementwise)
    return lower_elementwise(*this, node);
  switch (node.op) {
    case Op::concat:
      return lower_concat(*this, node);
    case Op::matmul:
    case Op::conv:
    case Op::conv_input_grad:
    case Op::conv_weight_grad:
      return lower_contraction(*this, node);
    case Op::batch_norm_train:
    case Op::batch_norm_grad:
    case Op::softmax:
    case Op::log_softmax:
      return lower_norm(*this, node);
    case Op::sample_norm:
    case Op::sample_norm_grad:
      return lower_sample_norm(*this, node);
    case Op::spectral_norm:
      return lower_spectral_norm(*this, node);
    case Op::loss:
      return lower_loss(*this, node);
    case Op::gradient_penalty:
      return lower_gradient_penalty(*this, node);
    case Op::adam:
    case Op::rmsprop:
    case Op::sgd:
      return lower_optimizer(*this, node);
    case Op::reduce_sum:
    case Op::reduce_max:
      return lower_reduce(*this, node);
    case Op::gather:
    case Op::scatter_add:
    case Op::one_hot:
      return lower_indexing(*this, node);
    case Op::transpose:
    case Op::broadcast_to:
    case Op::slice:
    case Op::pad:
      return lower_copy(*this, node);
    default:
      return lower_window(*this, node);
  }
}

void Lowering::commit_states() {
  const auto place = [&](int value) {
    const Ref ref = get(value);
    pending_.clear();
    return ref;
  };
  const auto hold = [&](int value) { return Ref{add_arena(bytes_of(value)), 0}; };
  agon::commit_states(graph_, place, hold, [&](Ref from, Ref to, int value) {
    const auto bytes = bytes_of(value);
    append({"assign", graph_.producer(value).name, shape(value).str(),
            [=](const Frame& f) {
              f.device->require(
                  f.device->cuda().copy_bytes(f.device->context(), f.at<void>(to), f.at<void>(from), bytes),
                  "assign");
            },
            0, 2.0 * static_cast<double>(bytes)},
           {from, to});
  });
}

void Lowering::place_outputs() {
  std::vector<Ref> kept;
  for (const auto& [name, id] : graph_.outputs()) {
    const Ref ref = get(id);
    kept.push_back(ref);
    if (info(id).shape.rank() == 0 && info(id).dtype == DType::f32)
      out_.scalar_outputs.emplace_back(name, ref);
    out_.tensor_outputs[name] = {ref, info(id)};
  }
  pending_.clear();
  // Outputs are read after the last step.
  const int end = static_cast<int>(out_.steps.size());
  for (Ref ref : kept)
    if (const BufferPlace& place = out_.buffers[static_cast<size_t>(ref.buffer)];
        place.kind == BufferPlace::Kind::arena)
      out_.plan.use(place.number, end);
}

/// For the advice that goes with running out of memory.
void Lowering::measure_batch() {
  for (const Node& node : graph_.nodes())
    if (node.op == Op::input || node.op == Op::random_normal || node.op == Op::random_uniform)
      if (const Shape& drawn = shape(node.outputs[0]); drawn.rank() > 1)
        out_.batch = std::max(out_.batch, drawn[0]);
  for (int value = 0; value < graph_.value_count(); ++value) {
    const Ref place = places_[static_cast<size_t>(value)];
    const bool own = place.valid() && placement_.view_of(value).value < 0 &&
                     out_.buffers[static_cast<size_t>(place.buffer)].kind == BufferPlace::Kind::arena;
    if (own && (shape(value).rank() == 0 || shape(value)[0] != out_.batch))
      out_.fixed_bytes += bytes_of(value);
  }
}

Lowered Lowering::run() {
  const auto from_outside = [](const Node& node) { return node.op == Op::state || node.op == Op::scalar; };
  for (const Node& node : graph_.nodes())
    if (from_outside(node)) lower_leaf(node);
  for (const Node& node : graph_.nodes()) {
    if (!from_outside(node)) lower(node);
    pending_.clear();
    ++node_;
  }
  commit_states();
  place_outputs();
  measure_batch();
  out_.plan.solve();
  out_.choices = tuner_.finish();
  return std::move(out_);
}

}  // namespace agon::device
