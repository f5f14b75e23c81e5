#include "conv_case.h"

#include <algorithm>
#include <cmath>

#include "cuda_kernels/scalar_ops.h"
#include "cuda_kernels/support.h"

namespace conv_test {

using agon::test::activate;
using agon::test::derivative;

namespace {

/// Multiples of 1 / `fraction` in [-limit, limit].
std::vector<double> grid(size_t count, unsigned seed, int fraction, int limit) {
  std::mt19937 random(seed);
  std::uniform_int_distribution<int> draw(-limit * fraction, limit * fraction);
  std::vector<double> values(count);
  for (double& v : values) v = static_cast<double>(draw(random)) / fraction;
  return values;
}

/// A prologue with its tensors, and the operand as the main loop should see it.
struct PrologueCase {
  Prologue args;
  DeviceTensor scale, shift, z, coefficients;
  std::vector<double> result;

  PrologueCase(const std::vector<double>& operand, int channels, DType dtype, bool wanted, bool backward,
               const Extras& extras, unsigned seed)
      : result(operand) {
    if (!wanted) return;
    const size_t n = static_cast<size_t>(channels);
    args.kind = backward ? PrologueKind::backward : PrologueKind::forward;
    args.activation = extras.activation;
    if (extras.scale) {
      std::vector<double> powers = grid(n, seed, 1, 1);
      for (double& p : powers) p = std::exp2(p);
      scale = DeviceTensor(powers), shift = DeviceTensor(grid(n, seed + 1, 4, 1));
      for (double& v : shift.values) v += v == 0 ? 0.25 : 0;
      shift = DeviceTensor(shift.values);
      args.scale = scale.floats(), args.shift = shift.floats();
    }
    const auto affine = [&](double v, size_t c) {
      return extras.scale ? v * scale.values[c] + shift.values[c] : v;
    };
    if (!backward) {
      for (size_t i = 0; i < result.size(); ++i)
        result[i] = activate(extras.activation, affine(operand[i], i % n));
      return;
    }
    z = DeviceTensor(grid(operand.size(), seed + 2, 2, 1), dtype);
    args.z = z.data();
    if (extras.scale) {
      coefficients = DeviceTensor(grid(3 * n, seed + 3, 2, 1));
      args.coefficients = coefficients.floats();
    }
    for (size_t i = 0; i < result.size(); ++i) {
      const size_t c = i % n;
      const double u = affine(z.values[i], c);
      const double d =
          operand[i] * derivative(extras.activation, extras.scale ? activate(extras.activation, u) : u);
      result[i] = extras.scale ? coefficients.values[c] * d + coefficients.values[n + c] * z.values[i] +
                                     coefficients.values[2 * n + c]
                               : d;
    }
  }
};

/// An epilogue with its tensors.
struct EpilogueCase {
  Epilogue args;
  DeviceTensor bias;
  DeviceBytes sums, squares, counts;

  EpilogueCase(size_t channels, size_t partials, const Extras& extras)
      : sums(partials * channels * 4 + 4), squares(partials * channels * 4 + 4), counts(partials * 4 + 4) {
    args.activation = extras.epilogue;
    args.accumulate = extras.accumulate;
    if (extras.bias) {
      bias = DeviceTensor(grid(channels, 71, 2, 2));
      args.bias = bias.floats();
    }
    if (extras.stats) {
      args.stats_sums = static_cast<float*>(sums.data());
      args.stats_squares = static_cast<float*>(squares.data());
      args.stats_counts = static_cast<int32_t*>(counts.data());
    }
  }

  /// sum := what the result should be.
  void apply(std::vector<double>& sum, const std::vector<double>& before) {
    const size_t channels = bias.values.empty() ? 1 : bias.values.size();
    for (size_t i = 0; i < sum.size(); ++i) {
      if (args.bias) sum[i] += bias.values[i % channels];
      sum[i] = activate(args.activation, sum[i]);
    }
    unaccumulated = sum;
    if (args.accumulate)
      for (size_t i = 0; i < sum.size(); ++i) sum[i] += before[i];
  }

  /// Merges the partials as batch norm does, and compares mean and variance.
  double stats_error(size_t channels, size_t partials, std::string& why) const {
    const auto floats = [](const DeviceBytes& bytes) {
      const auto words = bytes.words();
      std::vector<float> values(words.size());
      std::memcpy(values.data(), words.data(), words.size() * 4);
      return values;
    };
    const auto s = floats(sums), q = floats(squares);
    const auto n = counts.words();
    double worst = 0;
    const size_t rows = unaccumulated.size() / channels;
    for (size_t c = 0; c < channels; ++c) {
      double total = 0, sum = 0;
      for (size_t p = 0; p < partials; ++p) total += n[p], sum += s[p * channels + c];
      if (static_cast<size_t>(total) != rows) {
        why = "statistics count " + std::to_string(total) + " rows of " + std::to_string(rows);
        return 2;
      }
      const double mean = sum / total;
      double square = 0, true_mean = 0, true_square = 0;
      for (size_t p = 0; p < partials; ++p) {
        if (n[p] == 0) continue;
        const double d = s[p * channels + c] / static_cast<double>(n[p]) - mean;
        square += q[p * channels + c] + n[p] * d * d;
      }
      for (size_t r = 0; r < rows; ++r) true_mean += unaccumulated[r * channels + c];
      true_mean /= total;
      for (size_t r = 0; r < rows; ++r)
        true_square += std::pow(unaccumulated[r * channels + c] - true_mean, 2);
      worst = std::max(worst, std::abs(mean - true_mean) / std::max(1.0, std::abs(true_mean)));
      worst = std::max(worst, std::abs(square - true_square) / std::max(1.0, true_square));
    }
    if (worst <= 1e-5) return 0;
    why = "statistics";
    return worst;
  }

  std::vector<double> unaccumulated;
};

double difference(const std::vector<double>& is, const std::vector<double>& should) {
  double worst = 0, scale = 1e-30;
  for (size_t i = 0; i < is.size(); ++i) {
    if (!std::isfinite(is[i])) return 1e30;
    worst = std::max(worst, std::abs(is[i] - should[i]));
    scale = std::max(scale, std::abs(should[i]));
  }
  return worst / scale;
}

bool counters_zero(const DeviceBytes& workspace) {
  const auto words = workspace.words();
  const size_t counters = std::min(words.size(), contraction_counter_bytes / 4);
  return std::all_of(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(counters),
                     [](uint32_t w) { return w == 0; });
}

bool synchronized(cudaError_t status, std::string& why) {
  if (status == cudaSuccess) status = cudaDeviceSynchronize();
  if (status != cudaSuccess) why = cudaGetErrorString(status);
  const std::string reports = agon::test::device_reports();
  if (!reports.empty()) why += " " + reports;
  return status == cudaSuccess && reports.empty();
}

/// What a launch leaves behind: counters, the result, statistics.
struct Left {
  const DeviceBytes& workspace;
  const DeviceTensor& result;
  const EpilogueCase& epilogue;
  size_t channels, partials;

  double error(cudaError_t launched, const std::vector<double>& should, std::string& why) const {
    if (!synchronized(launched, why)) return 1e30;
    if (!counters_zero(workspace)) {
      why = "counters left behind";
      return 2;
    }
    const bool stats = epilogue.args.stats_sums != nullptr;
    return std::max(difference(result.read(), should),
                    stats ? epilogue.stats_error(channels, partials, why) : 0.0);
  }
};

}  // namespace

DeviceTensor::DeviceTensor(std::vector<double> given, DType dtype) : values(std::move(given)), dtype_(dtype) {
  if (cudaMalloc(&data_, std::max<size_t>(values.size(), 1) * static_cast<size_t>(size_of(dtype))) !=
      cudaSuccess)
    return;
  if (dtype == DType::bf16) {
    std::vector<uint16_t> host(values.size());
    std::transform(values.begin(), values.end(), host.begin(), to_bf16);
    for (size_t i = 0; i < host.size(); ++i) values[i] = from_bf16(host[i]);
    cudaMemcpy(data_, host.data(), host.size() * 2, cudaMemcpyHostToDevice);
  } else {
    const std::vector<float> host(values.begin(), values.end());
    values.assign(host.begin(), host.end());
    cudaMemcpy(data_, host.data(), host.size() * 4, cudaMemcpyHostToDevice);
  }
}

DeviceTensor::~DeviceTensor() {
  cudaFree(data_);
}

std::vector<double> DeviceTensor::read() const {
  std::vector<double> result(values.size());
  if (dtype_ == DType::bf16) {
    std::vector<uint16_t> host(values.size());
    cudaMemcpy(host.data(), data_, host.size() * 2, cudaMemcpyDeviceToHost);
    std::transform(host.begin(), host.end(), result.begin(), from_bf16);
  } else {
    std::vector<float> host(values.size());
    cudaMemcpy(host.data(), data_, host.size() * 4, cudaMemcpyDeviceToHost);
    result.assign(host.begin(), host.end());
  }
  return result;
}

DeviceBytes::DeviceBytes(size_t bytes) : bytes_(bytes) {
  cudaMalloc(&data_, std::max<size_t>(bytes, 16));
  cudaMemset(data_, 0, std::max<size_t>(bytes, 16));
}

std::vector<uint32_t> DeviceBytes::words() const {
  std::vector<uint32_t> host(bytes_ / 4);
  cudaMemcpy(host.data(), data_, host.size() * 4, cudaMemcpyDeviceToHost);
  return host;
}

ConvShape completed(const ConvCase& c) {
  ConvShape s = c.shape;
  for (int a = 0; a < 3; ++a)
    s.y[a] = (s.x[a] + s.pad_lo[a] + c.pad_hi[a] - s.dilation[a] * (s.kernel[a] - 1) - 1) / s.stride[a] + 1;
  return s;
}

double conv_error(const ConvArgs& how, const Extras& extras, std::string& why) {
  const ConvOp op = how.op;
  const ConvShape& s = how.shape;
  const auto pixels = [](const int(&e)[3]) {
    return static_cast<size_t>(e[0]) * static_cast<size_t>(e[1] * e[2]);
  };
  const size_t batch = static_cast<size_t>(s.batch), xc = static_cast<size_t>(s.x_channels),
               yc = static_cast<size_t>(s.y_channels), groups = static_cast<size_t>(s.groups);
  const size_t c_group = xc / groups, k_group = yc / groups, taps = pixels(s.kernel);
  const DType dtype = how.math == Math::bf16 ? DType::bf16 : DType::f32;
  DeviceTensor x(grid(batch * pixels(s.x) * xc, 1, 2, 2),
                 op == ConvOp::input_grad ? how.result_dtype : dtype);
  DeviceTensor w(grid(yc * taps * c_group, 2, 2, 1), op == ConvOp::weight_grad ? how.result_dtype : dtype);
  DeviceTensor y(grid(batch * pixels(s.y) * yc, 3, 2, 2), op == ConvOp::forward ? how.result_dtype : dtype);

  const bool first = extras.prologue || extras.backward;
  PrologueCase px(x.values, s.x_channels, dtype, first && op != ConvOp::input_grad,
                  extras.backward && op == ConvOp::forward, extras, 11);
  PrologueCase py(y.values, s.y_channels, dtype, first && op != ConvOp::forward, extras.backward, extras, 21);

  ConvArgs args = how;
  args.x = x.data(), args.w = w.data(), args.y = y.data();
  DeviceTensor& result = op == ConvOp::forward ? y : op == ConvOp::input_grad ? x : w;
  args.result = result.data();
  args.x_prologue = px.args, args.y_prologue = py.args;
  const size_t channels = op == ConvOp::forward ? yc : op == ConvOp::input_grad ? xc : c_group;
  const size_t partials = extras.stats ? static_cast<size_t>(conv_stats_partials(args)) : 0;
  EpilogueCase epilogue(channels, partials, extras);
  args.epilogue = epilogue.args;
  if (conv_instance(args) < 0) return cannot_run;
  DeviceBytes workspace(conv_workspace(args));
  args.workspace = workspace.data();

  std::vector<double> sum(result.values.size());
  const std::vector<double>& xs = px.result;
  const std::vector<double>& ys = py.result;
  const auto axes = [](size_t flat, const int(&e)[3], int(&at)[3]) {
    for (int a = 2; a >= 0; --a)
      at[a] = static_cast<int>(flat % static_cast<size_t>(e[a])), flat /= static_cast<size_t>(e[a]);
  };
  for (size_t tap = 0; tap < taps; ++tap)
    for (size_t o = 0; o < pixels(s.y); ++o) {
      int t[3], at[3];
      axes(tap, s.kernel, t), axes(o, s.y, at);
      bool inside = true;
      size_t i = 0;
      for (int a = 0; a < 3; ++a) {
        const int source = at[a] * s.stride[a] - s.pad_lo[a] + t[a] * s.dilation[a];
        inside = inside && source >= 0 && source < s.x[a];
        i = i * static_cast<size_t>(s.x[a]) + static_cast<size_t>(source);
      }
      if (!inside) continue;
      for (size_t n = 0; n < batch; ++n)
        for (size_t k = 0; k < yc; ++k)
          for (size_t c = 0; c < c_group; ++c) {
            const size_t ix = (n * pixels(s.x) + i) * xc + k / k_group * c_group + c;
            const size_t iw = (k * taps + tap) * c_group + c, iy = (n * pixels(s.y) + o) * yc + k;
            if (op == ConvOp::forward) sum[iy] += xs[ix] * w.values[iw];
            if (op == ConvOp::input_grad) sum[ix] += ys[iy] * w.values[iw];
            if (op == ConvOp::weight_grad) sum[iw] += xs[ix] * ys[iy];
          }
    }
  epilogue.apply(sum, result.values);

  const Left left{workspace, result, epilogue, channels, partials};
  return left.error(launch_conv(args, nullptr), sum, why);
}

double matmul_error(const MatmulArgs& how, const Extras& extras, std::string& why) {
  const size_t m = static_cast<size_t>(how.m), n = static_cast<size_t>(how.n), k = static_cast<size_t>(how.k),
               batch = static_cast<size_t>(how.batch);
  const DType dtype = how.math == Math::bf16 ? DType::bf16 : DType::f32;
  DeviceTensor a(grid(batch * m * k, 1, 2, 2), dtype), b(grid(batch * k * n, 2, 2, 1), dtype);
  DeviceTensor y(grid(batch * m * n, 3, 2, 2), how.y_dtype);
  const bool first = extras.prologue || extras.backward;
  PrologueCase pa(a.values, how.transpose_a ? how.m : how.k, dtype, first, extras.backward, extras, 11);
  PrologueCase pb(b.values, how.n, dtype, first && how.transpose_a && !how.transpose_b, false, extras, 21);

  MatmulArgs args = how;
  args.a = a.data(), args.b = b.data(), args.y = y.data();
  args.a_prologue = pa.args, args.b_prologue = pb.args;
  const size_t partials = extras.stats ? static_cast<size_t>(matmul_stats_partials(args)) : 0;
  EpilogueCase epilogue(n, partials, extras);
  args.epilogue = epilogue.args;
  if (matmul_instance(args) < 0) return cannot_run;
  DeviceBytes workspace(matmul_workspace(args));
  args.workspace = workspace.data();

  std::vector<double> sum(y.values.size());
  for (size_t i = 0; i < batch; ++i)
    for (size_t row = 0; row < m; ++row)
      for (size_t column = 0; column < n; ++column)
        for (size_t j = 0; j < k; ++j)
          sum[(i * m + row) * n + column] +=
              pa.result[i * m * k + (args.transpose_a ? j * m + row : row * k + j)] *
              pb.result[i * k * n + (args.transpose_b ? column * k + j : j * n + column)];
  epilogue.apply(sum, y.values);

  const Left left{workspace, y, epilogue, n, partials};
  return left.error(launch_matmul(args, nullptr), sum, why);
}

}  // namespace conv_test
