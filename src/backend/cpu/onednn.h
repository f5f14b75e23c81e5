#pragma once
#include <memory>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>
#include <vector>

#include "agon/graph.h"
#include "agon/types.h"

/// The only file pair that speaks to oneDNN; builds against 2.6 and 3.x.
namespace agon::cpu {

/// Where activations lie: NHWC, or in blocks of 16 channels (nChw16c).
enum class Layout : uint8_t { plain, blocked };

/// True for f32 tensors [N, H, W, C] that the blocked layout fits.
bool can_block(const Shape& shape, DType dtype);

struct Engine {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
};

/// NHWC (any spatial rank) or nChw16c activations; KRSC weights, with groups split off if there are any.
dnnl::memory::desc activation_desc(const Shape& shape, Layout layout, DType type = DType::f32);
dnnl::memory::desc weight_desc(const Shape& krsc, int64_t groups, DType type = DType::f32);

enum class ConvPass : uint8_t { forward, input_grad, weight_grad };

/// KRSC weights in the blocks that blocked_conv.h reads: OIhw16i16o forward, OIhw16o16i for the input
/// gradient.
dnnl::memory::desc blocked_weight_desc(const Shape& krsc, ConvPass pass);

struct ConvProblem {
  ConvPass pass = ConvPass::forward;
  Window window;
  Shape x, w, y;
  DType x_type = DType::f32, w_type = DType::f32, y_type = DType::f32;  ///< f32 or bf16
  Layout layout = Layout::plain;                                        ///< of x and y
  bool bias = false;                                                    ///< forward only
  Activation epilogue;                                                  ///< forward only
};

/// A primitive with its arguments laid out once. Addresses are bound once; execute() allocates no tensor.
class Primitive {
 public:
  Primitive() = default;
  Primitive(std::shared_ptr<const Engine> engine, dnnl::primitive primitive,
            std::vector<std::pair<int, dnnl::memory::desc>> args);
  void bind(int arg, void* address);
  void execute() const;

 private:
  std::shared_ptr<const Engine> engine_;
  dnnl::primitive primitive_;
  std::vector<dnnl::memory> memories_;
  std::vector<dnnl_exec_arg_t> args_;
};

/// oneDNN's argument numbers for a convolution's operands.
struct ConvArgs {
  int x = 0, w = 0, y = 0;
};

/// A convolution pass with the layouts oneDNN wants of its operands (the caller reorders where they differ
/// from its own) and the scratchpad it needs.
struct PreparedConv {
  Primitive primitive;
  ConvArgs args;
  dnnl::memory::desc x, w, y;
  size_t scratch_bytes = 0;
  std::string implementation;
};
/// First with activations as `problem.layout` says; where oneDNN has only its reference loops for those, with
/// layouts of its own choice.
PreparedConv prepare_conv(const std::shared_ptr<const Engine>& engine, const ConvProblem& problem);

struct PreparedReorder {
  Primitive primitive;
  size_t scratch_bytes = 0;
};
PreparedReorder prepare_reorder(const std::shared_ptr<const Engine>& engine, const dnnl::memory::desc& from,
                                const dnnl::memory::desc& to);

/// Row-major c[batch, m, n] = a b, with a [batch, m, k] or its transpose, b [batch, k, n] or its transpose.
struct MatmulProblem {
  bool transpose_a = false, transpose_b = false;
  int64_t batch = 1, m = 1, n = 1, k = 1;
  DType a_type = DType::f32, b_type = DType::f32, c_type = DType::f32;  ///< f32 or bf16
};

struct PreparedMatmul {
  Primitive primitive;  ///< arguments SRC, WEIGHTS, DST, SCRATCHPAD
  size_t scratch_bytes = 0;
  std::string implementation;
};
PreparedMatmul prepare_matmul(const std::shared_ptr<const Engine>& engine, const MatmulProblem& problem);

/// Why bf16 is not computed on a processor of instruction set `isa`; empty if it is.
std::string against_bf16(dnnl::cpu_isa isa);

}  // namespace agon::cpu
