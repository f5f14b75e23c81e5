#include "onednn_conv.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "agon/philox.h"
#include "agon/types.h"

namespace agon::bench {
namespace {

using dnnl::memory;

template <class Run>
double median_seconds(int repeats, Run&& run) {
  run();
  run();
  std::vector<double> times;
  for (int i = 0; i < repeats; ++i) {
    const auto start = std::chrono::steady_clock::now();
    run();
    times.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::nth_element(times.begin(), times.begin() + repeats / 2, times.end());
  return times[static_cast<size_t>(repeats) / 2];
}

memory random_memory(const memory::desc& desc, memory::data_type type, const dnnl::engine& engine,
                     uint32_t stream) {
  memory result(desc, engine);
  PhiloxStream random(1, 0, stream);
  const auto fill = [&](auto* data, auto convert) {
    for (size_t i = 0; i < desc.get_size() / sizeof(*data); ++i) data[i] = convert(random.uniform() - 0.5f);
  };
  if (type == memory::data_type::bf16)
    fill(static_cast<uint16_t*>(result.get_data_handle()), to_bf16);
  else
    fill(static_cast<float*>(result.get_data_handle()), [](float v) { return v; });
  return result;
}

}  // namespace

OneDnnConv::OneDnnConv(const ConvProblem& p, ConvPass pass, const ConvFormats& formats) {
  const auto type = formats.type;
  const auto weights_type = pass == ConvPass::backward_weights ? memory::data_type::f32 : type;
  const memory::desc src({p.mb, p.ic, p.ih, p.iw}, type, formats.src);
  const memory::desc dst({p.mb, p.oc, p.oh(), p.ow()}, type, formats.dst);
  const auto weights_of = [&](memory::data_type t) {
    return memory::desc({p.oc, p.ic, p.kh, p.kw}, t, formats.weights);
  };
  const memory::desc weights = weights_of(weights_type);
  constexpr auto direct = dnnl::algorithm::convolution_direct;
  const memory::dims strides{p.sh, p.sw}, padding{p.ph, p.pw}, far{p.far_h(), p.far_w()};
  const auto keep = [&](const auto& pd, const memory::desc& s, const memory::desc& w, const memory::desc& d) {
    implementation_ = pd.impl_info_str();
    src_ = s;
    weights_ = w;
    dst_ = d;
  };
#if DNNL_VERSION_MAJOR >= 3
  const dnnl::convolution_forward::primitive_desc forward(engine_, dnnl::prop_kind::forward_training, direct,
                                                          src, weights_of(type), dst, strides, padding, far);
  const auto backward_data = [&] {
    return dnnl::convolution_backward_data::primitive_desc(engine_, direct, src, weights, dst, strides,
                                                           padding, far, forward);
  };
  const auto backward_weights = [&] {
    return dnnl::convolution_backward_weights::primitive_desc(engine_, direct, src, weights, dst, strides,
                                                              padding, far, forward);
  };
#else
  const dnnl::convolution_forward::primitive_desc forward(
      {dnnl::prop_kind::forward_training, direct, src, weights_of(type), dst, strides, padding, far},
      engine_);
  const auto backward_data = [&] {
    return dnnl::convolution_backward_data::primitive_desc({direct, src, weights, dst, strides, padding, far},
                                                           engine_, forward);
  };
  const auto backward_weights = [&] {
    return dnnl::convolution_backward_weights::primitive_desc(
        {direct, src, weights, dst, strides, padding, far}, engine_, forward);
  };
#endif
  switch (pass) {
    case ConvPass::forward: {
      keep(forward, forward.src_desc(), forward.weights_desc(), forward.dst_desc());
      primitive_ = dnnl::convolution_forward(forward);
      arguments_ = {{DNNL_ARG_SRC, random_memory(src_, type, engine_, 0)},
                    {DNNL_ARG_WEIGHTS, random_memory(weights_, weights_type, engine_, 1)},
                    {DNNL_ARG_DST, random_memory(dst_, type, engine_, 2)}};
      return;
    }
    case ConvPass::backward_data: {
      const auto pd = backward_data();
      keep(pd, pd.diff_src_desc(), pd.weights_desc(), pd.diff_dst_desc());
      primitive_ = dnnl::convolution_backward_data(pd);
      arguments_ = {{DNNL_ARG_DIFF_SRC, random_memory(src_, type, engine_, 0)},
                    {DNNL_ARG_WEIGHTS, random_memory(weights_, weights_type, engine_, 1)},
                    {DNNL_ARG_DIFF_DST, random_memory(dst_, type, engine_, 2)}};
      return;
    }
    case ConvPass::backward_weights: {
      const auto pd = backward_weights();
      keep(pd, pd.src_desc(), pd.diff_weights_desc(), pd.diff_dst_desc());
      primitive_ = dnnl::convolution_backward_weights(pd);
      arguments_ = {{DNNL_ARG_SRC, random_memory(src_, type, engine_, 0)},
                    {DNNL_ARG_DIFF_WEIGHTS, random_memory(weights_, weights_type, engine_, 1)},
                    {DNNL_ARG_DIFF_DST, random_memory(dst_, type, engine_, 2)}};
      return;
    }
  }
}

void OneDnnConv::run() {
  primitive_.execute(stream_, arguments_);
  stream_.wait();
}

double OneDnnConv::seconds(int repeats) {
  return median_seconds(repeats, [&] { run(); });
}

std::string format_name(const memory::desc& desc) {
  using tag = memory::format_tag;
  static const std::array<std::pair<tag, const char*>, 21> names{
      {{tag::acdb, "acdb(nhwc)"},       {tag::abcd, "abcd(nchw)"},
       {tag::aBcd16b, "aBcd16b"},       {tag::aBcd8b, "aBcd8b"},
       {tag::Acdb16a, "Acdb16a"},       {tag::Acdb8a, "Acdb8a"},
       {tag::Acdb64a, "Acdb64a"},       {tag::Acdb48a, "Acdb48a"},
       {tag::Acdb32a, "Acdb32a"},       {tag::ABcd16b16a, "ABcd16b16a"},
       {tag::ABcd16a16b, "ABcd16a16b"}, {tag::ABcd8b8a, "ABcd8b8a"},
       {tag::ABcd8a8b, "ABcd8a8b"},     {tag::Abcd16a, "Abcd16a"},
       {tag::Abcd8a, "Abcd8a"},         {tag::BAcd16b16a, "BAcd16b16a"},
       {tag::BAcd16a16b, "BAcd16a16b"}, {tag::cdba, "cdba(hwio)"},
       {tag::Acdb4a, "Acdb4a"},         {tag::bcda, "bcda"},
       {tag::Acdb16a, "Acdb16a"}}};
#if DNNL_VERSION_MAJOR >= 3
  const auto dims = desc.get_dims();
#else
  const auto dims = desc.dims();
#endif
  for (const auto& [t, name] : names)
    for (const auto type : {memory::data_type::f32, memory::data_type::bf16})
      if (desc == memory::desc(dims, type, t)) return name;
  return "other";
}

}  // namespace agon::bench
