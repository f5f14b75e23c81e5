#pragma once
#include <oneapi/dnnl/dnnl.hpp>
#include <string>

#include "conv_problem.h"

namespace agon::bench {

/// Which memory formats and element type a oneDNN convolution is given; `any` lets oneDNN choose the format.
/// The gradient of bf16 weights is f32.
struct ConvFormats {
  dnnl::memory::data_type type = dnnl::memory::data_type::f32;
  dnnl::memory::format_tag src = dnnl::memory::format_tag::any;
  dnnl::memory::format_tag weights = dnnl::memory::format_tag::any;
  dnnl::memory::format_tag dst = dnnl::memory::format_tag::any;
};

/// A prepared oneDNN convolution over random data of its own.
class OneDnnConv {
 public:
  OneDnnConv(const ConvProblem& problem, ConvPass pass, const ConvFormats& formats);

  void run();
  /// Seconds of one run: the median of `repeats`, after warming up.
  double seconds(int repeats = 7);
  const std::string& implementation() const { return implementation_; }
  const dnnl::memory::desc& src() const { return src_; }
  const dnnl::memory::desc& weights() const { return weights_; }
  const dnnl::memory::desc& dst() const { return dst_; }

 private:
  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  std::string implementation_;
  dnnl::memory::desc src_, weights_, dst_;
  dnnl::primitive primitive_;
  std::unordered_map<int, dnnl::memory> arguments_;
};

/// "nhwc", "aBcd16b", ... or "other" for a descriptor of four or five dimensions.
std::string format_name(const dnnl::memory::desc& desc);

}  // namespace agon::bench
