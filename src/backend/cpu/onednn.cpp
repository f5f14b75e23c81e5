#include "backend/cpu/onednn.h"

#include "backend/cpu/cpu.h"

namespace agon::cpu {
namespace {

using dnnl::memory;

memory::dims dims_of(const std::array<int64_t, 3>& values, int rank, int64_t shift = 0) {
  memory::dims result;
  for (int i = 0; i < rank; ++i) result.push_back(values[static_cast<size_t>(i)] + shift);
  return result;
}

memory::dims dims_of(const memory::desc& desc) {
#if DNNL_VERSION_MAJOR >= 3
  return desc.get_dims();
#else
  return desc.dims();
#endif
}

memory::data_type type_of(DType type) {
  return type == DType::bf16 ? memory::data_type::bf16 : memory::data_type::f32;
}

[[noreturn]] void rethrow(const dnnl::error& error, std::string_view what) {
  fail(ErrorKind::internal, "oneDNN refused {}: {}", what, error.what());
}

dnnl::primitive_attr attributes(const ConvProblem& problem) {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  if (problem.epilogue.kind == ActivationKind::identity) return attr;
  const auto alpha = static_cast<float>(problem.epilogue.alpha);
  dnnl::algorithm algorithm = dnnl::algorithm::eltwise_relu;
  float a = 0;
  switch (problem.epilogue.kind) {
    case ActivationKind::leaky_relu:
      a = alpha;
      break;
    case ActivationKind::elu:
      algorithm = dnnl::algorithm::eltwise_elu;
      a = alpha;
      break;
    case ActivationKind::tanh:
      algorithm = dnnl::algorithm::eltwise_tanh;
      break;
    case ActivationKind::sigmoid:
      algorithm = dnnl::algorithm::eltwise_logistic;
      break;
    default:
      break;
  }
  dnnl::post_ops ops;
#if DNNL_VERSION_MAJOR >= 3
  ops.append_eltwise(algorithm, a, 0.f);
#else
  ops.append_eltwise(1.f, algorithm, a, 0.f);
#endif
  attr.set_post_ops(ops);
  return attr;
}

struct Descs {
  memory::desc x, w, y, bias;
};

/// The descriptors of the forward pass that a backward pass must name, whose result may be f32 where the
/// operands are bf16.
Descs hint_of(const ConvProblem& p, const Descs& d) {
  const bool narrow = p.x_type == DType::bf16 || p.w_type == DType::bf16 || p.y_type == DType::bf16;
  if (p.pass == ConvPass::forward || !narrow) return d;
  const auto as_bf16 = [](const memory::desc& desc) {
    return memory::desc(dims_of(desc), memory::data_type::bf16, memory::format_tag::any);
  };
  return {as_bf16(d.x), as_bf16(d.w), as_bf16(d.y), d.bias};
}

/// Builds the pass and hands its primitive_desc to `use`, as the three passes have three types.
template <class Use>
void with_primitive_desc(const Engine& e, const ConvProblem& p, const Descs& d, Use use) {
  using namespace dnnl;
  const int rank = p.window.rank;
  const auto strides = dims_of(p.window.stride, rank), dilation = dims_of(p.window.dilation, rank, -1);
  const auto lo = dims_of(p.window.pad_lo, rank), hi = dims_of(p.window.pad_hi, rank);
  const auto direct = algorithm::convolution_direct;
  const auto attr = attributes(p);
  const Descs h = hint_of(p, d);
#if DNNL_VERSION_MAJOR >= 3
  const auto forward = [&](const memory::desc& bias, const primitive_attr& a) {
    return convolution_forward::primitive_desc(e.engine, prop_kind::forward_training, direct, h.x, h.w, bias,
                                               h.y, strides, dilation, lo, hi, a);
  };
  switch (p.pass) {
    case ConvPass::forward:
      return use(forward(p.bias ? d.bias : memory::desc(), attr), convolution_forward());
    case ConvPass::input_grad:
      return use(convolution_backward_data::primitive_desc(e.engine, direct, d.x, d.w, d.y, strides, dilation,
                                                           lo, hi, forward({}, {}), attr),
                 convolution_backward_data());
    case ConvPass::weight_grad:
      return use(convolution_backward_weights::primitive_desc(e.engine, direct, d.x, d.w, d.y, strides,
                                                              dilation, lo, hi, forward({}, {}), attr),
                 convolution_backward_weights());
  }
#else
  const auto forward = [&](bool bias, const primitive_attr& a) {
    const auto desc = bias ? convolution_forward::desc(prop_kind::forward_training, direct, h.x, h.w, h.bias,
                                                       h.y, strides, dilation, lo, hi)
                           : convolution_forward::desc(prop_kind::forward_training, direct, h.x, h.w, h.y,
                                                       strides, dilation, lo, hi);
    return convolution_forward::primitive_desc(desc, a, e.engine);
  };
  switch (p.pass) {
    case ConvPass::forward:
      return use(forward(p.bias, attr), convolution_forward());
    case ConvPass::input_grad: {
      const convolution_backward_data::desc desc(direct, d.x, d.w, d.y, strides, dilation, lo, hi);
      return use(convolution_backward_data::primitive_desc(desc, attr, e.engine, forward(false, {})),
                 convolution_backward_data());
    }
    case ConvPass::weight_grad: {
      const convolution_backward_weights::desc desc(direct, d.x, d.w, d.y, strides, dilation, lo, hi);
      return use(convolution_backward_weights::primitive_desc(desc, attr, e.engine, forward(false, {})),
                 convolution_backward_weights());
    }
  }
#endif
}

struct QueryNames {
  static memory::desc x(const dnnl::convolution_forward::primitive_desc& pd) { return pd.src_desc(); }
  static memory::desc x(const dnnl::convolution_backward_data::primitive_desc& pd) {
    return pd.diff_src_desc();
  }
  static memory::desc x(const dnnl::convolution_backward_weights::primitive_desc& pd) {
    return pd.src_desc();
  }
  static memory::desc w(const dnnl::convolution_forward::primitive_desc& pd) { return pd.weights_desc(); }
  static memory::desc w(const dnnl::convolution_backward_data::primitive_desc& pd) {
    return pd.weights_desc();
  }
  static memory::desc w(const dnnl::convolution_backward_weights::primitive_desc& pd) {
    return pd.diff_weights_desc();
  }
  static memory::desc y(const dnnl::convolution_forward::primitive_desc& pd) { return pd.dst_desc(); }
  static memory::desc y(const dnnl::convolution_backward_data::primitive_desc& pd) {
    return pd.diff_dst_desc();
  }
  static memory::desc y(const dnnl::convolution_backward_weights::primitive_desc& pd) {
    return pd.diff_dst_desc();
  }
};

ConvArgs args_of(ConvPass pass) {
  switch (pass) {
    case ConvPass::forward:
      return {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST};
    case ConvPass::input_grad:
      return {DNNL_ARG_DIFF_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_DST};
    case ConvPass::weight_grad:
      return {DNNL_ARG_SRC, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_DST};
  }
  fail(ErrorKind::internal, "unknown convolution pass");
}

}  // namespace

bool can_block(const Shape& shape, DType dtype) {
  return dtype == DType::f32 && shape.rank() == 4 && shape[3] % 16 == 0 && shape[1] * shape[2] > 1;
}

namespace {

memory::dims activation_dims(const Shape& shape) {
  memory::dims dims{shape[0], shape[-1]};
  for (int i = 1; i + 1 < shape.rank(); ++i) dims.push_back(shape[i]);
  return dims;
}

memory::dims weight_dims(const Shape& krsc, int64_t groups) {
  memory::dims dims{krsc[0] / groups, krsc[-1]};
  for (int i = 1; i + 1 < krsc.rank(); ++i) dims.push_back(krsc[i]);
  if (groups > 1) dims.insert(dims.begin(), groups);
  return dims;
}

}  // namespace

memory::desc activation_desc(const Shape& shape, Layout layout, DType type) {
  const auto dims = activation_dims(shape);
  int64_t stride = 1;
  std::vector<int64_t> by_axis(static_cast<size_t>(shape.rank()));
  for (int i = shape.rank() - 1; i >= 0; --i) {
    by_axis[static_cast<size_t>(i)] = stride;
    stride *= shape[i];
  }
  if (layout == Layout::blocked) return {dims, memory::data_type::f32, memory::format_tag::nChw16c};
  memory::dims strides{by_axis.front(), by_axis.back()};
  for (int i = 1; i + 1 < shape.rank(); ++i) strides.push_back(by_axis[static_cast<size_t>(i)]);
  return {dims, type_of(type), strides};
}

memory::desc weight_desc(const Shape& krsc, int64_t groups, DType type) {
  const int spatial = krsc.rank() - 2;
  const int64_t in = krsc[-1], out = krsc[0] / groups, per_out = krsc.numel() / krsc[0];
  memory::dims strides{per_out, 1};
  for (int i = 0; i < spatial; ++i) {
    int64_t stride = in;
    for (int j = i + 1; j < spatial; ++j) stride *= krsc[j + 1];
    strides.push_back(stride);
  }
  if (groups > 1) strides.insert(strides.begin(), out * per_out);
  return {weight_dims(krsc, groups), type_of(type), strides};
}

memory::desc blocked_weight_desc(const Shape& krsc, ConvPass pass) {
  const auto tag =
      pass == ConvPass::forward ? memory::format_tag::OIhw16i16o : memory::format_tag::OIhw16o16i;
  return {weight_dims(krsc, 1), memory::data_type::f32, tag};
}

Primitive::Primitive(std::shared_ptr<const Engine> engine, dnnl::primitive primitive,
                     std::vector<std::pair<int, memory::desc>> args)
    : engine_(std::move(engine)), primitive_(std::move(primitive)) {
  for (const auto& [arg, desc] : args) {
    memories_.emplace_back(desc, engine_->engine, nullptr);
    args_.push_back({arg, memories_.back().get()});
  }
}

void Primitive::bind(int arg, void* address) {
  for (size_t i = 0; i < args_.size(); ++i)
    if (args_[i].arg == arg) memories_[i].set_data_handle(address);
}

void Primitive::execute() const {
  const auto status = dnnl_primitive_execute(primitive_.get(), engine_->stream.get(),
                                             static_cast<int>(args_.size()), args_.data());
  check(status == dnnl_success, ErrorKind::internal, "oneDNN could not execute a primitive (status {})",
        static_cast<int>(status));
}

PreparedConv prepare_conv(const std::shared_ptr<const Engine>& engine, const ConvProblem& problem) try {
  const auto any = memory::format_tag::any;
  PreparedConv result;
  auto attempt = [&](bool own_layouts) {
    const auto weights = weight_dims(problem.w, problem.window.groups);
    Descs d{activation_desc(problem.x, problem.layout, problem.x_type),
            memory::desc(weights, type_of(problem.w_type), any),
            activation_desc(problem.y, problem.layout, problem.y_type),
            memory::desc({problem.w[0]}, memory::data_type::f32, memory::format_tag::a)};
    if (own_layouts) {
      d.x = memory::desc(activation_dims(problem.x), type_of(problem.x_type), any);
      d.y = memory::desc(activation_dims(problem.y), type_of(problem.y_type), any);
    }
    with_primitive_desc(*engine, problem, d, [&](const auto& pd, auto primitive) {
      result.implementation = pd.impl_info_str();
      result.x = QueryNames::x(pd);
      result.w = QueryNames::w(pd);
      result.y = QueryNames::y(pd);
      result.scratch_bytes = pd.scratchpad_desc().get_size();
      result.args = args_of(problem.pass);
      std::vector<std::pair<int, memory::desc>> args{{result.args.x, result.x},
                                                     {result.args.w, result.w},
                                                     {result.args.y, result.y},
                                                     {DNNL_ARG_SCRATCHPAD, pd.scratchpad_desc()}};
      if (problem.bias) args.emplace_back(DNNL_ARG_BIAS, d.bias);
      result.primitive = Primitive(engine, decltype(primitive)(pd), std::move(args));
    });
  };
  attempt(false);
  const auto is_reference = [&] { return result.implementation.rfind("ref", 0) == 0; };
  if (is_reference()) attempt(true);
  return result;
} catch (const dnnl::error& error) {
  rethrow(error,
          fmt::format("a convolution of {} by {} to {}", problem.x.str(), problem.w.str(), problem.y.str()));
}

PreparedReorder prepare_reorder(const std::shared_ptr<const Engine>& engine, const memory::desc& from,
                                const memory::desc& to) try {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const dnnl::reorder::primitive_desc pd(engine->engine, from, engine->engine, to, attr);
  return {Primitive(engine, dnnl::reorder(pd),
                    {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}, {DNNL_ARG_SCRATCHPAD, pd.scratchpad_desc()}}),
          pd.scratchpad_desc().get_size()};
} catch (const dnnl::error& error) {
  rethrow(error, "a reorder");
}

PreparedMatmul prepare_matmul(const std::shared_ptr<const Engine>& engine, const MatmulProblem& problem) try {
  const auto desc = [&](bool transposed, int64_t rows, int64_t columns, DType type) {
    memory::dims dims{rows, columns}, strides{transposed ? 1 : columns, transposed ? rows : 1};
    if (problem.batch > 1) {
      dims.insert(dims.begin(), problem.batch);
      strides.insert(strides.begin(), rows * columns);
    }
    return memory::desc(dims, type_of(type), strides);
  };
  const auto a = desc(problem.transpose_a, problem.m, problem.k, problem.a_type);
  const auto b = desc(problem.transpose_b, problem.k, problem.n, problem.b_type);
  const auto c = desc(false, problem.m, problem.n, problem.c_type);
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
#if DNNL_VERSION_MAJOR >= 3
  const dnnl::matmul::primitive_desc pd(engine->engine, a, b, c, attr);
#else
  const dnnl::matmul::primitive_desc pd(dnnl::matmul::desc(a, b, c), attr, engine->engine);
#endif
  return {Primitive(engine, dnnl::matmul(pd),
                    {{DNNL_ARG_SRC, a},
                     {DNNL_ARG_WEIGHTS, b},
                     {DNNL_ARG_DST, c},
                     {DNNL_ARG_SCRATCHPAD, pd.scratchpad_desc()}}),
          pd.scratchpad_desc().get_size(), pd.impl_info_str()};
} catch (const dnnl::error& error) {
  rethrow(error, fmt::format("a matrix product {}x{}x{}x{}", problem.batch, problem.m, problem.n, problem.k));
}

std::string against_bf16(dnnl::cpu_isa isa) {
  const auto needed = static_cast<unsigned>(dnnl::cpu_isa::avx512_core_bf16);
  if ((static_cast<unsigned>(isa) & needed) == needed) return {};
  return "this processor has no bf16 instructions (avx512_bf16); use precision = \"f32\"";
}

std::string onednn_version() {
  const auto* v = dnnl_version();
  return fmt::format("{}.{}.{}", v->major, v->minor, v->patch);
}

}  // namespace agon::cpu
