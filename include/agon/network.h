#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agon/config.h"
#include "agon/graph.h"

namespace agon {

enum class Mode : uint8_t {
  train,  ///< batch statistics (running statistics advance), dropout, power iterations
  eval,   ///< running statistics, no dropout, spectral norm from the stored u
  batch,  ///< as eval, but batch norm by the statistics of the batch at hand; nothing advances
};

/// One trainable tensor of a network, and how it is laid out here and on disk.
struct Parameter {
  std::string name;    ///< PyTorch's: "main.0.weight"
  Shape shape;         ///< as the graph sees it: convolutions KRSC, linear layers [out, in]
  std::string init;    ///< "normal(0, 0.02)", "kaiming_uniform", ... (see nn/initialise.h)
  int64_t fan_in = 1;  ///< as torch.nn.init counts it
  int64_t fan_out = 1;
  // The disk layout (OIHW, flattened images as C,H,W): `shape` viewed as `view`, transposed by `permutation`,
  // reshaped to `disk`.
  Shape view;
  std::vector<int> permutation;
  Shape disk;
};

/// The named values that a network is a function of, for one or more applications in one graph. Buffers
/// (running statistics, spectral norm's u) advance with each application in Mode::train.
struct Binding {
  std::map<std::string, Value, std::less<>> parameters;
  std::map<std::string, Value, std::less<>> buffers;
};

/// One line of `agon presets NAME`.
struct LayerRow {
  std::string network;
  std::string module;      ///< "main.3", PyTorch's index in the Sequential
  std::string type;        ///< "conv", "batch_norm", "leaky_relu", ...
  std::string detail;      ///< "kernel 4, stride 2, pad 1"
  Shape output;            ///< of one sample: [height, width, channels] or [features]
  int64_t parameters = 0;  ///< trainable numbers
};

namespace nn {
struct Module;
}

/// A chain of layers built from the table `networks.NAME` of a config. Immutable; applying it appends to a
/// graph.
///
/// A row of the table is a layer plus what follows it: spectral_norm, then norm, activation and dropout. The
/// modules are numbered as torch.nn.Sequential would number them, so the parameters bear PyTorch's names.
class Network {
 public:
  /// Throws Error(usage) with file and line for a table that makes no network.
  Network(const Config& config, std::string_view name);

  const std::string& name() const { return name_; }
  const Shape& input() const { return input_; }    ///< of one sample: [height, width, channels] or [features]
  const Shape& output() const { return output_; }  ///< of one sample

  const std::vector<Parameter>& parameters() const { return parameters_; }
  /// Running statistics and spectral norm's u, named as in PyTorch.
  const std::vector<Parameter>& buffers() const { return buffers_; }
  int64_t parameter_count() const;

  /// Appends the network's layers. `x` is [batch, ...input()] or any shape of that size. With `taps`, outputs
  /// of rows that have a `tap` key are stored there under that name.
  Value apply(Binding& binding, Value x, Mode mode, std::map<std::string, Value>* taps = nullptr) const;

  /// True if any layer is a batch norm (samples of a batch depend on each other).
  bool has_batch_norm() const;
  std::vector<std::string> taps() const;
  std::vector<LayerRow> layer_table() const;

 private:
  std::string name_;
  Shape input_, output_;
  std::vector<Parameter> parameters_, buffers_;
  std::vector<std::shared_ptr<const nn::Module>> modules_;
};

}  // namespace agon
