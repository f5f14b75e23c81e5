#include "backend/reference/program.h"

#include <algorithm>
#include <chrono>

#include "backend/reference/kernels.h"
#include "graph/alias.h"

namespace agon::reference {

ReferenceProgram::ReferenceProgram(const Graph& graph, ReferenceStore& store, const CompileOptions& options)
    : options_(options), values_(static_cast<size_t>(graph.value_count())) {
  verify(graph);
  const std::vector<int> roots = state_roots(graph);
  for (const Node& node : graph.nodes()) bind(graph, node, roots, store);
  for (const auto& [name, value] : graph.outputs()) {
    outputs_[name] = capture(graph, value);
    if (graph.value(value).shape.rank() == 0) scalar_names_.push_back(name);
  }
  for (const auto& [state, value] : graph.assignments())
    if (values_[static_cast<size_t>(state)].data() != values_[static_cast<size_t>(value)].data())
      assignments_.emplace_back(capture(graph, value), store.find(graph.producer(state).name));
  describe();
}

Array ReferenceProgram::own(DType dtype, const Shape& shape) {
  return Array(owned_.emplace_back(held_as(dtype), shape));
}

Array ReferenceProgram::make_input(const std::string& name, DType dtype, const Shape& shape) {
  const auto [it, fresh] = inputs_.try_emplace(name);
  Input& input = it->second;
  if (fresh) input = {Tensor(held_as(dtype), shape), Tensor(dtype, shape), false};
  check(input.host.dtype() == dtype && input.host.shape() == shape, ErrorKind::usage,
        "compile: input '{}' is both {} and {}", name, input.host.shape().str(), shape.str());
  return Array(input.held);
}

Array ReferenceProgram::make_output(const Graph& graph, const Node& node, size_t output,
                                    const std::vector<int>& roots, ReferenceStore& store) {
  const int id = node.outputs[output];
  const auto& [dtype, shape, producer, port] = graph.value(id);
  const auto operand = [&](size_t i) { return values_[static_cast<size_t>(node.inputs[i])]; };
  switch (node.op) {
    case Op::input:
      return make_input(node.name, dtype, shape);
    case Op::scalar:
      return Array(scalars_.try_emplace(node.name, DType::f64, shape).first->second);
    case Op::state:
      store.declare(node.name, dtype, shape);
      return Array(store.find(node.name));
    default:
      break;
  }
  if (is_view(graph, node)) {
    const auto offset = static_cast<size_t>(view_offset(graph, node)) * size_of(held_as(dtype));
    return {held_as(dtype), shape, operand(0).data() + offset};
  }
  for (const auto& [to, from] : in_place(node))
    if (to == static_cast<int>(output) && roots[static_cast<size_t>(id)] >= 0)
      return operand(static_cast<size_t>(from));
  return own(dtype, shape);
}

void ReferenceProgram::bind(const Graph& graph, const Node& node, const std::vector<int>& roots,
                            ReferenceStore& store) {
  Step step{node, {}, {}, is_view(graph, node), {}};
  step.idle = step.idle || node.op == Op::input || node.op == Op::scalar || node.op == Op::state;
  for (int id : node.inputs) step.in.push_back(values_[static_cast<size_t>(id)]);
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    step.out.push_back(make_output(graph, node, i, roots, store));
    values_[static_cast<size_t>(node.outputs[i])] = step.out.back();
  }
  steps_.push_back(std::move(step));
}

size_t ReferenceProgram::capture(const Graph& graph, int value) {
  const Array& from = values_[static_cast<size_t>(value)];
  captures_.push_back({from, Tensor(from.dtype(), from.shape())});
  steps_[static_cast<size_t>(graph.value(value).producer)].captures.push_back(captures_.size() - 1);
  return captures_.size() - 1;
}

void ReferenceProgram::describe() {
  for (const Tensor& tensor : owned_) info_.arena_bytes += tensor.bytes().size();
  info_.unplanned_bytes = info_.arena_bytes;
  for (const Step& step : steps_) {
    if (step.idle) continue;
    ++info_.kernels;
    info_.lines.push_back(
        fmt::format("{} {} {}", name_of(step.node.op), step.out[0].shape().str(), step.node.name));
  }
}

ReferenceProgram::Input& ReferenceProgram::find_input(std::string_view name) {
  const auto it = inputs_.find(name);
  check(it != inputs_.end(), ErrorKind::usage, "program: there is no input '{}'", name);
  return it->second;
}

std::span<std::byte> ReferenceProgram::input(std::string_view name) {
  Input& input = find_input(name);
  input.host_fed = true;
  return input.host.bytes();
}

void ReferenceProgram::write(std::string_view name, const Tensor& value) {
  Input& input = find_input(name);
  check(value.shape() == input.held.shape(), ErrorKind::usage, "program: input '{}' is {}, the value {}",
        name, input.held.shape().str(), value.shape().str());
  std::ranges::copy(value.to(input.held.dtype()).bytes(), input.held.bytes().begin());
  std::ranges::copy(value.to(input.host.dtype()).bytes(), input.host.bytes().begin());
}

void ReferenceProgram::set_scalar(std::string_view name, double value) {
  const auto it = scalars_.find(name);
  check(it != scalars_.end(), ErrorKind::usage, "program: there is no scalar '{}'", name);
  it->second.as<double>()[0] = value;
}

void ReferenceProgram::execute(const Step& step, uint64_t number) const {
  if (!step.idle) reference::execute({step.node, step.in, step.out, options_.seed, number});
  for (size_t i : step.captures)
    std::ranges::copy(captures_[i].from.bytes(), captures_[i].to.bytes().begin());
}

void ReferenceProgram::finish(uint64_t number) {
  for (const auto& [from, state] : assignments_)
    std::ranges::copy(captures_[from].to.bytes(), state.bytes().begin());
  last_step_ = number;
  if (scalar_names_.empty()) return;
  StepRecord record{number, {}};
  for (const std::string& name : scalar_names_)
    record.values.push_back(Array(captures_[outputs_.at(name)].to).get(0));
  records_.push_back(std::move(record));
}

void ReferenceProgram::run(uint64_t step) {
  for (auto& [name, input] : inputs_)
    if (input.host_fed)
      std::ranges::copy(input.host.to(input.held.dtype()).bytes(), input.held.bytes().begin());
  for (const Step& one : steps_) execute(one, step);
  finish(step);
}

Tensor ReferenceProgram::read(std::string_view output) {
  const auto it = outputs_.find(output);
  check(it != outputs_.end(), ErrorKind::usage, "program: there is no output '{}'", output);
  return captures_[it->second].to.clone();
}

namespace {

/// Two per multiply-add of a contraction; 0 for the rest.
double flops_of(const Node& node, std::span<const Array> in, std::span<const Array> out) {
  const auto count = [](const Array& array) { return static_cast<double>(array.numel()); };
  switch (node.op) {
    case Op::matmul:
      return 2 * count(out[0]) *
             static_cast<double>(in[0].shape()[node.get<MatmulAttr>().transpose_a ? -2 : -1]);
    case Op::conv:
      return 2 * count(out[0]) * count(in[1]) / static_cast<double>(in[1].shape()[0]);
    case Op::conv_input_grad:
      return 2 * count(in[0]) * count(in[1]) / static_cast<double>(in[1].shape()[0]);
    case Op::conv_weight_grad:
      return 2 * count(in[1]) * count(out[0]) / static_cast<double>(out[0].shape()[0]);
    default:
      return 0;
  }
}

double bytes_of(std::span<const Array> arrays) {
  double total = 0;
  for (const Array& array : arrays) total += static_cast<double>(array.bytes().size());
  return total;
}

}  // namespace

std::vector<KernelTime> ReferenceProgram::profile(int repeats) {
  std::vector<KernelTime> times;
  for (const Step& step : steps_)
    if (!step.idle)
      times.push_back({std::string(name_of(step.node.op)),
                       step.node.name,
                       step.out[0].shape().str(),
                       0,
                       flops_of(step.node, step.in, step.out),
                       bytes_of(step.in) + bytes_of(step.out),
                       {}});
  for (int repeat = 0; repeat < repeats; ++repeat) {
    size_t kernel = 0;
    for (const Step& step : steps_) {
      const auto start = std::chrono::steady_clock::now();
      execute(step, last_step_ + 1);
      const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
      if (!step.idle) times[kernel++].seconds += taken.count() / repeats;
    }
    finish(last_step_ + 1);
  }
  return times;
}

}  // namespace agon::reference
