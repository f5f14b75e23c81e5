#include "backend/cuda/contraction.h"

namespace agon::device {
namespace {

/// bf16 where both operands are stored so.
kernel::Math math_of(const Lowering& l, const Node& node) {
  const auto narrow = [&](int i) { return l.info(node.inputs[static_cast<size_t>(i)]).dtype == DType::bf16; };
  check(narrow(0) == narrow(1), ErrorKind::internal, "cuda: the operands of {} differ in dtype", node.name);
  if (narrow(0)) return kernel::Math::bf16;
  return l.options().precision == Precision::tf32 ? kernel::Math::tf32 : kernel::Math::f32;
}

/// The value that batch_norm_train takes statistics of, if it is this contraction's result (or a view of the
/// whole): its partial sums come from the epilogue then. -1 without one.
int normed_value(const Lowering& l, int value) {
  if (!l.options().fuse) return -1;
  const auto is_norm = [&](int reader, int id) {
    if (reader >= static_cast<int>(l.graph().nodes().size())) return false;
    const Node& node = l.graph().node(reader);
    return node.op == Op::batch_norm_train && node.inputs[0] == id;
  };
  for (int reader : l.uses().of(value)) {
    if (is_norm(reader, value)) return value;
    if (reader >= static_cast<int>(l.graph().nodes().size())) continue;
    const Node& view = l.graph().node(reader);
    if (view.op != Op::reshape) continue;
    for (int next : l.uses().of(view.outputs[0]))
      if (is_norm(next, view.outputs[0]) && l.shape(value)[-1] % l.shape(view.outputs[0])[-1] == 0)
        return view.outputs[0];
  }
  return -1;
}

Result result_of(Lowering& l, const Node& node) {
  Result result;
  const int value = node.outputs[0];
  result.accumulate = l.accumulation().find(value).add;
  result.data = l.put(value);
  if (node.fusion.bias) result.bias = l.get(node.inputs[2]);
  result.activation = node.fusion.epilogue;
  return result;
}

/// Asks the kernel for the number of partial sums, makes room for them and leaves word for the norm.
template <class Args, class Bind>
void add_statistics(Lowering& l, const Node& node, int normed, Result& result, const Args& args,
                    const Bind& bind, const Family<Args>& family) {
  auto& s = result.statistics;
  Args question = args;
  bind(l.preview(), question, result);
  s.partials = family.partials(&question);
  const StatisticsRoom room(s.partials, result.stats_channels);
  s.sums = l.scratch(room.vectors);
  s.squares = l.scratch(room.vectors);
  s.counts = l.scratch(room.counts);
  l.statistics[normed] = s;
  l.note(node, "fused the statistics of batch norm");
}

/// Emits a contraction whose operands `bind` fills in.
template <class Args, class Bind>
void emit_contraction(Lowering& l, const Node& node, StepFacts facts, std::string_view prologues, Args args,
                      const Bind& bind, const Family<Args>& family) {
  Result result = result_of(l, node);
  const int normed = normed_value(l, node.outputs[0]);
  if (normed >= 0) {
    result.stats_channels = static_cast<int>(l.shape(normed)[-1]);
    // The kernel's answers depend on statistics being asked for.
    result.statistics.sums = result.statistics.squares = result.statistics.counts = result.data;
  }
  const std::string problem = problem_of(node, facts, args.math, result, prologues);
  const Implementation how = choose(l, problem, result, args, bind, family);
  args.instance = how.instance;
  if (normed >= 0) add_statistics(l, node, normed, result, args, bind, family);
  Args question = args;
  bind(l.preview(), question, result);
  const Ref workspace = l.shared_workspace(how.rival >= 0 ? how.workspace : family.workspace(&question));
  const std::string op(agon::name_of(node.op));
  if (!how.name.empty()) facts.detail += ", " + how.name;
  l.emit({op, node.name, std::move(facts.detail),
          [=, label = op + " " + node.name](const Frame& f) {
            Args bound = args;
            bind(f, bound, result);
            bound.workspace = f.at<void>(workspace);
            launch(*f.device, family, how, bound, label);
          },
          facts.flops, facts.bytes});
}

std::string_view name_of(const Operand& operand) {
  return operand.kind == kernel::PrologueKind::none      ? ""
         : operand.kind == kernel::PrologueKind::forward ? " forward"
                                                         : " backward";
}

void lower_matmul(Lowering& l, const Node& node) {
  const auto attr = node.get<MatmulAttr>();
  const Shape &a = l.shape(node.inputs[0]), &c = l.shape(node.outputs[0]);
  kernel::MatmulArgs args;
  args.math = math_of(l, node);
  args.batch = static_cast<int>(c.rank() == 3 ? c[0] : 1);
  args.m = static_cast<int>(c[-2]);
  args.n = static_cast<int>(c[-1]);
  args.k = static_cast<int>(a[attr.transpose_a ? -2 : -1]);
  args.transpose_a = attr.transpose_a;
  args.transpose_b = attr.transpose_b;
  args.y_dtype = to_kernel(l.info(node.outputs[0]).dtype);
  const Operand left = l.operand(node.inputs[0]), right = l.operand(node.inputs[1]);
  const auto bind = [=](const Frame& f, kernel::MatmulArgs& m, const Result& result) {
    m.a = f.at<void>(left.data);
    m.b = f.at<void>(right.data);
    m.a_prologue = left.at(f);
    m.b_prologue = right.at(f);
    m.y = f.at<void>(result.data);
    result.bind(f, m.epilogue);
  };
  const double b = args.batch, m = args.m, n = args.n, k = args.k;
  const auto& cuda = l.cuda();
  emit_contraction(
      l, node,
      {fmt::format("{}x{}x{}x{}{}{}", args.batch, args.m, args.n, args.k, attr.transpose_a ? " ta" : "",
                   attr.transpose_b ? " tb" : ""),
       2 * b * m * n * k, 4 * b * (m * n + m * k + k * n)},
      fmt::format("{}{}", name_of(left), name_of(right)), args, bind,
      Family<kernel::MatmulArgs>{&agon_cuda_table::matmul, cuda.matmul_workspace, cuda.matmul_stats_partials,
                                 cuda.matmul_instance, cuda.matmul_instances, cuda.matmul_rivals,
                                 cuda.launch_matmul_rival, "AGON_CUBLAS"});
}

/// The three operands of a convolution by role, whichever of them the op computes.
struct Roles {
  int x, w, y;  ///< values
  kernel::ConvOp op;
};

Roles roles_of(const Node& node) {
  const int a = node.inputs[0], b = node.inputs[1], out = node.outputs[0];
  switch (node.op) {
    case Op::conv:
      return {a, b, out, kernel::ConvOp::forward};
    case Op::conv_input_grad:
      return {out, b, a, kernel::ConvOp::input_grad};
    default:
      return {a, out, b, kernel::ConvOp::weight_grad};
  }
}

kernel::ConvShape shape_of(const Shape& x, const Shape& w, const Shape& y, const Window& window) {
  kernel::ConvShape shape;
  shape.batch = static_cast<int>(x[0]);
  for (int i = 0; i < window.rank; ++i) {
    const auto a = static_cast<size_t>(i);
    shape.x[i] = static_cast<int>(x[i + 1]);
    shape.y[i] = static_cast<int>(y[i + 1]);
    shape.kernel[i] = static_cast<int>(w[i + 1]);
    shape.stride[i] = static_cast<int>(window.stride[a]);
    shape.pad_lo[i] = static_cast<int>(window.pad_lo[a]);
    shape.dilation[i] = static_cast<int>(window.dilation[a]);
  }
  shape.x_channels = static_cast<int>(x[-1]);
  shape.y_channels = static_cast<int>(y[-1]);
  shape.groups = static_cast<int>(window.groups);
  return shape;
}

void lower_conv(Lowering& l, const Node& node) {
  const Roles roles = roles_of(node);
  const Shape &x = l.shape(roles.x), &w = l.shape(roles.w), &y = l.shape(roles.y);
  kernel::ConvArgs args;
  args.op = roles.op;
  args.math = math_of(l, node);
  args.shape = shape_of(x, w, y, node.get<Window>());
  args.result_dtype = to_kernel(l.info(node.outputs[0]).dtype);
  const auto operand = [&](int value) { return value == node.outputs[0] ? Operand{} : l.operand(value); };
  const Operand at_x = operand(roles.x), at_w = operand(roles.w), at_y = operand(roles.y);
  const auto bind = [=](const Frame& f, kernel::ConvArgs& c, const Result& result) {
    c.x = f.at<void>(at_x.data);
    c.w = f.at<void>(at_w.data);
    c.y = f.at<void>(at_y.data);
    c.x_prologue = at_x.at(f);
    c.y_prologue = at_y.at(f);
    c.result = f.at<void>(result.data);
    result.bind(f, c.epilogue);
  };
  const auto& cuda = l.cuda();
  emit_contraction(l, node,
                   {fmt::format("x {} w {} y {} stride {} pad {}", x.str(), w.str(), y.str(),
                                args.shape.stride[0], args.shape.pad_lo[0]),
                    2.0 * static_cast<double>(y.numel()) * static_cast<double>(w.numel() / w[0]),
                    4.0 * static_cast<double>(x.numel() + w.numel() + y.numel())},
                   fmt::format("{}{}", name_of(at_x), name_of(at_y)), args, bind,
                   Family<kernel::ConvArgs>{&agon_cuda_table::conv, cuda.conv_workspace,
                                            cuda.conv_stats_partials, cuda.conv_instance, cuda.conv_instances,
                                            cuda.conv_rivals, cuda.launch_conv_rival, "AGON_CUDNN"});
}

}  // namespace

void lower_contraction(Lowering& lowering, const Node& node) {
  node.op == Op::matmul ? lower_matmul(lowering, node) : lower_conv(lowering, node);
}

}  // namespace agon::device
