#include "backend/cpu/lowering.h"

#include <algorithm>
#include <cstring>

#include "backend/commit_states.h"
#include "backend/cpu/kernels/bf16.h"
#include "backend/cpu/kernels/shape.h"
#include "graph/alias.h"

namespace agon::cpu {

std::string describe(const Shape& shape, Layout layout) {
  return layout == Layout::blocked ? shape.str() + " blocked" : shape.str();
}

Lowering::Lowering(const Graph& graph, CpuStore& store, std::shared_ptr<const Engine> engine)
    : graph_(graph),
      store_(store),
      engine_(std::move(engine)),
      plain_(static_cast<size_t>(graph.value_count())),
      blocked_(static_cast<size_t>(graph.value_count())),
      placement_(graph),
      uses_(graph) {}

size_t Lowering::bytes_of(int value) const {
  return static_cast<size_t>(info(value).shape.numel()) * size_of(info(value).dtype);
}

int Lowering::add_arena(size_t bytes) {
  out_.base.push_back(nullptr);
  out_.arena_buffer.push_back(out_.plan.add(bytes));
  return static_cast<int>(out_.base.size()) - 1;
}

int Lowering::add_fixed(std::byte* address) {
  out_.base.push_back(address);
  out_.arena_buffer.push_back(-1);
  return static_cast<int>(out_.base.size()) - 1;
}

Ref Lowering::owned(size_t bytes) {
  out_.owned.emplace_back(bytes);
  return {add_fixed(out_.owned.back().data()), 0};
}

Ref Lowering::touch(Ref ref) {
  pending_.push_back(ref);
  return ref;
}

Ref Lowering::scratch(size_t bytes) {
  return touch({add_arena(std::max<size_t>(bytes, 1)), 0});
}

void Lowering::append(Step step, const std::vector<Ref>& used) {
  const int number = static_cast<int>(out_.steps.size());
  for (Ref ref : used)
    if (const int arena = out_.arena_buffer[static_cast<size_t>(ref.buffer)]; arena >= 0)
      out_.plan.use(arena, number);
  out_.steps.push_back(std::move(step));
}

void Lowering::emit(Step step) {
  append(std::move(step), pending_);
  pending_.clear();
}

Ref Lowering::room_for(int value) {
  if (const int state = placement_.state_home(value); state >= 0) return plain_[static_cast<size_t>(state)];
  if (const auto [whole, at] = placement_.home(value); whole >= 0) {
    Ref& ref = plain_[static_cast<size_t>(whole)];
    if (!ref.valid()) ref = room_for(whole);
    return ref + at * static_cast<int64_t>(size_of(info(value).dtype));
  }
  return {add_arena(bytes_of(value)), 0};
}

bool Lowering::has(int value, Layout layout) const {
  const auto i = static_cast<size_t>(value);
  if (layout == Layout::blocked) return blocked_[i].valid();
  return plain_[i].valid() || placement_.view_of(value).value >= 0;
}

Ref Lowering::put(int value, Layout layout) {
  const auto i = static_cast<size_t>(value);
  if (layout == Layout::blocked) return touch(blocked_[i] = {add_arena(bytes_of(value)), 0});
  return touch(plain_[i] = room_for(value));
}

bool Lowering::can_put_over(int value, int operand, Layout layout) const {
  const auto from = static_cast<size_t>(operand);
  const Ref ref = layout == Layout::blocked ? blocked_[from] : plain_[from];
  const bool own = ref.valid() && out_.arena_buffer[static_cast<size_t>(ref.buffer)] >= 0 &&
                   placement_.view_of(operand).value < 0 && placement_.home(operand).value < 0;
  const bool free = uses_.sole(operand) == node_ && !placement_.is_placed(value);
  return own && free && info(value).shape == info(operand).shape && info(value).dtype == info(operand).dtype;
}

Ref Lowering::put_over(int value, int operand, Layout layout) {
  if (!can_put_over(value, operand, layout)) return put(value, layout);
  auto& places = layout == Layout::blocked ? blocked_ : plain_;
  return touch(places[static_cast<size_t>(value)] = places[static_cast<size_t>(operand)]);
}

void Lowering::put_at(int value, Ref ref) {
  plain_[static_cast<size_t>(value)] = touch(ref);
}

Ref Lowering::get(int value, Layout layout) {
  const auto i = static_cast<size_t>(value);
  Ref& plain = plain_[i];
  Ref& blocked = blocked_[i];
  if (layout == Layout::blocked && blocked.valid()) return touch(blocked);
  if (layout == Layout::plain && plain.valid()) return touch(plain);
  const Shape shape = info(value).shape;
  const int64_t images = shape.rank() > 0 ? shape[0] : 1, channels = shape.rank() > 0 ? shape[-1] : 1;
  const int64_t pixels = channels * images == 0 ? 0 : shape.numel() / (images * channels);
  const double bytes = 2.0 * static_cast<double>(bytes_of(value));
  const auto& name = graph_.producer(value).name;
  if (const auto [source, at] = placement_.view_of(value); layout == Layout::plain && source >= 0) {
    auto saved = std::move(pending_);
    pending_.clear();
    const Ref base = get(source, Layout::plain);
    pending_ = std::move(saved);
    return touch(plain = base + at * static_cast<int64_t>(size_of(info(source).dtype)));
  }
  if (layout == Layout::plain) {
    check(blocked.valid(), ErrorKind::internal, "cpu: value {} of '{}' is read before it is made", value,
          name);
    const Ref from = blocked, to = plain = room_for(value);
    append({"reorder",
            name,
            describe(shape, layout) + " from blocked",
            [=](const Frame& f) { from_blocked(f.at(from), images, pixels, channels, f.at(to)); },
            {},
            0,
            bytes},
           {from, to});
    return touch(to);
  }
  auto saved = std::move(pending_);
  pending_.clear();
  const Ref from = get(value, Layout::plain), to = blocked = {add_arena(bytes_of(value)), 0};
  pending_ = std::move(saved);
  append({"reorder",
          name,
          describe(shape, layout),
          [=](const Frame& f) { to_blocked(f.at(from), images, pixels, channels, f.at(to)); },
          {},
          0,
          bytes},
         {from, to});
  return touch(to);
}

Ref Lowering::get_wide(int value) {
  if (info(value).dtype != DType::bf16) return get(value);
  const auto [found, fresh] = widened_.try_emplace(value);
  if (!fresh) return touch(found->second);
  auto saved = std::move(pending_);
  pending_.clear();
  const int64_t n = info(value).shape.numel();
  const Ref from = get(value), to = found->second = {add_arena(static_cast<size_t>(n) * sizeof(float)), 0};
  append({"cast",
          graph_.producer(value).name,
          "bf16 to f32",
          [=](const Frame& f) { convert(f.at<bf16>(from), n, f.at(to)); },
          {},
          0,
          6.0 * static_cast<double>(n)},
         {from, to});
  pending_ = std::move(saved);
  return touch(to);
}

Ref Lowering::get_weights(int value, int64_t groups, const dnnl::memory::desc& wanted) {
  const Shape shape = info(value).shape;
  const auto own = weight_desc(shape, groups, info(value).dtype);
  if (own == wanted) return get(value);
  for (const auto& [desc, ref] : weights_[value])
    if (desc == wanted) return touch(ref);
  auto saved = std::move(pending_);
  pending_.clear();
  const Ref from = get(value), to{add_arena(wanted.get_size()), 0};
  const auto prepared = prepare_reorder(engine_, own, wanted);
  const Ref pad = scratch(prepared.scratch_bytes);
  auto primitive = std::make_shared<Primitive>(prepared.primitive);
  append({"reorder", graph_.producer(value).name, shape.str() + " weights",
          [primitive](const Frame&) { primitive->execute(); },
          [=](const Frame& f) {
            primitive->bind(DNNL_ARG_FROM, f.at(from));
            primitive->bind(DNNL_ARG_TO, f.at(to));
            primitive->bind(DNNL_ARG_SCRATCHPAD, f.at(pad));
          },
          0, 2.0 * static_cast<double>(bytes_of(value))},
         {from, to, pad});
  pending_ = std::move(saved);
  weights_[value].emplace_back(wanted, to);
  return touch(to);
}

Ref Lowering::constant(double value, int64_t count) {
  auto [found, fresh] = constants_.try_emplace({value, count});
  if (fresh) {
    found->second = owned(static_cast<size_t>(count) * sizeof(float));
    auto* data = reinterpret_cast<float*>(out_.owned.back().data());
    std::fill_n(data, count, static_cast<float>(value));
  }
  return found->second;
}

void Lowering::lower_leaf(const Node& node) {
  const int value = node.outputs[0];
  const ValueInfo& type = info(value);
  Ref& ref = plain_[static_cast<size_t>(value)];
  switch (node.op) {
    case Op::input:
      ref = owned(bytes_of(value));
      out_.inputs[node.name] = {ref, type};
      return;
    case Op::scalar:
      if (!out_.scalars.contains(node.name)) out_.scalars[node.name] = owned(sizeof(float));
      ref = out_.scalars[node.name];
      return;
    case Op::state:
      store_.declare(node.name, type.dtype, type.shape);
      ref = {add_fixed(store_.tensor(node.name).bytes().data()), 0};
      return;
    case Op::constant:
      ref = constant(node.get<FillAttr>().value, type.shape.numel());
      return;
    default:
      return lower_random(*this, node);
  }
}

/// Parts that were written in place need no copy; the others (leaves, parts used twice) are copied in one
/// step.
void Lowering::lower_concat(const Node& node) {
  const int whole = node.outputs[0];
  const Shape shape = info(whole).shape;
  const int axis = node.get<AxesAttr>().axes[0];
  if (!plain_[static_cast<size_t>(whole)].valid()) plain_[static_cast<size_t>(whole)] = room_for(whole);
  const Ref base = touch(plain_[static_cast<size_t>(whole)]);
  struct Copy {
    CopyKernel kernel;
    Ref from, to;
  };
  std::vector<Copy> copies;
  int64_t inner = 1, at = 0;
  double bytes = 0;
  for (int i = axis + 1; i < shape.rank(); ++i) inner *= shape[i];
  for (int part : node.inputs) {
    const Ref from = get(part), to = base + at * static_cast<int64_t>(size_of(info(part).dtype));
    const Shape& extents = info(part).shape;
    if (!(from == to)) {
      copies.push_back({CopyKernel(extents, row_major(extents), row_major(shape)), from, to});
      bytes += 2.0 * static_cast<double>(bytes_of(part));
    }
    at += extents[axis] * inner;
  }
  if (copies.empty()) {
    pending_.clear();
    return;
  }
  emit({"concat",
        node.name,
        fmt::format("{} of {} parts copied", copies.size(), node.inputs.size()),
        [copies = std::move(copies)](const Frame& f) {
          for (const Copy& copy : copies) copy.kernel.run(f.at(copy.from), f.at(copy.to));
        },
        {},
        0,
        bytes});
}

void Lowering::lower(const Node& node) {
  if (node.inputs.empty()) return lower_leaf(node);
  if (is_view(graph_, node)) return;
  if (is_elementwise(node.op) || node.op == Op::elementwise || node.op == Op::cast)
    return lower_elementwise(*this, node);
  switch (node.op) {
    case Op::concat:
      return lower_concat(node);
    case Op::matmul:
    case Op::conv:
    case Op::conv_input_grad:
    case Op::conv_weight_grad:
      return lower_contraction(*this, node);
    case Op::batch_norm_train:
    case Op::batch_norm_grad:
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
    case Op::avg_pool:
    case Op::avg_pool_grad:
    case Op::max_pool:
    case Op::max_pool_grad:
    case Op::max_pool_take:
    case Op::resize:
    case Op::resize_grad:
      return lower_window(*this, node);
    default:
      return lower_shape(*this, node);
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
    append({"assign",
            graph_.producer(value).name,
            info(value).shape.str(),
            [=](const Frame& f) { std::memmove(f.at<std::byte>(to), f.at<std::byte>(from), bytes); },
            {},
            0,
            2.0 * static_cast<double>(bytes)},
           {from, to});
  });
}

void Lowering::place_outputs() {
  std::vector<Ref> kept;
  for (const auto& [name, id] : graph_.outputs()) {
    const Ref ref = get(id);
    kept.push_back(ref);
    const bool scalar =
        info(id).shape.numel() == 1 && info(id).dtype == DType::f32 && info(id).shape.rank() == 0;
    if (scalar) out_.scalar_outputs.emplace_back(name, ref);
    out_.tensor_outputs[name] = {ref, info(id)};
  }
  pending_.clear();
  // Outputs are read after the last step.
  const int end = static_cast<int>(out_.steps.size());
  for (Ref ref : kept)
    if (const int arena = out_.arena_buffer[static_cast<size_t>(ref.buffer)]; arena >= 0)
      out_.plan.use(arena, end);
}

Lowered Lowering::run() {
  for (const Node& node : graph_.nodes())
    if (node.op == Op::state) lower_leaf(node);
  for (const Node& node : graph_.nodes()) {
    if (node.op != Op::state) lower(node);
    pending_.clear();
    ++node_;
  }
  commit_states();
  place_outputs();
  out_.plan.solve();
  return std::move(out_);
}

}  // namespace agon::cpu
