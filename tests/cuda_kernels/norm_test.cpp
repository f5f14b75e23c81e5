#include "cuda/kernels/norm.h"

#include "cuda/kernels/spectral_norm.h"
#include "cuda_kernels/support.h"

using namespace agon;
using namespace agon::test;

namespace {

struct Problem {
  int64_t samples, rows;
  int channels;
  bool by_row, affine;

  int64_t size() const { return samples * rows * channels; }
  int64_t affine_size() const { return by_row ? rows : channels; }
  int64_t affine_at(int64_t i) const { return by_row ? i % rows : i % channels; }
  int64_t group_at(int64_t i) const { return i / (rows * channels) * channels + i % channels; }
};

using List = std::vector<double>;

struct Expected {
  List y, mean, inv_std, dx, dgamma, dbeta;
};

constexpr double eps = 1e-3;

Expected naive(const Problem& p, const std::vector<float>& x, const std::vector<float>& gamma,
               const std::vector<float>& beta, const std::vector<float>& dy) {
  const auto groups = static_cast<size_t>(p.samples * p.channels), count = x.size();
  const auto rows = static_cast<double>(p.rows);
  const auto at = [](const auto& v, int64_t i) { return static_cast<double>(v[static_cast<size_t>(i)]); };
  const auto group = [&](size_t i) { return static_cast<size_t>(p.group_at(static_cast<int64_t>(i))); };
  const auto place = [&](size_t i) { return p.affine_at(static_cast<int64_t>(i)); };
  const auto factor = [&](size_t i) { return p.affine ? at(gamma, place(i)) : 1; };
  Expected e{List(count), List(groups), List(groups), List(count), List(gamma.size()), List(gamma.size())};
  List sum(groups), weighted(groups);
  for (size_t i = 0; i < count; ++i) e.mean[group(i)] += x[i] / rows;
  for (size_t i = 0; i < count; ++i) e.inv_std[group(i)] += std::pow(x[i] - e.mean[group(i)], 2) / rows;
  for (double& v : e.inv_std) v = 1 / std::sqrt(v + eps);
  const auto h = [&](size_t i) { return (x[i] - e.mean[group(i)]) * e.inv_std[group(i)]; };
  for (size_t i = 0; i < count; ++i) {
    e.y[i] = h(i) * factor(i) + (p.affine ? at(beta, place(i)) : 0);
    sum[group(i)] += dy[i] * factor(i) / rows;
    weighted[group(i)] += dy[i] * factor(i) * h(i) / rows;
    e.dgamma[static_cast<size_t>(place(i))] += dy[i] * h(i);
    e.dbeta[static_cast<size_t>(place(i))] += static_cast<double>(dy[i]);
  }
  for (size_t i = 0; i < count; ++i)
    e.dx[i] = e.inv_std[group(i)] * (dy[i] * factor(i) - sum[group(i)] - h(i) * weighted[group(i)]);
  return e;
}

/// A tensor on the device as f32 or bf16.
class Stored {
 public:
  Stored(std::vector<float> values, bool half, size_t offset)
      : half_(half),
        wide_(half ? std::vector<float>(1) : values, offset),
        narrow_(half ? as_bf16(values) : std::vector<uint16_t>(1), offset) {}
  void* get() const { return half_ ? static_cast<void*>(narrow_.get()) : wide_.get(); }
  cuda::DType dtype() const { return half_ ? cuda::DType::bf16 : cuda::DType::f32; }
  std::vector<float> read() const { return half_ ? as_f32(narrow_.read()) : wide_.read(); }

 private:
  bool half_;
  Device<float> wide_;
  Device<uint16_t> narrow_;
};

struct Run {
  bool half_x = false, half_y = false;
  size_t offset = 0;
  int instance = -1;
};

/// Both directions; the instances that ran, or -1.
std::pair<int, int> run(const Problem& p, const Run& r) {
  // A mean far from 0, so that lost low bits show.
  auto values = random_floats(p.size(), 1, 2, 4), slopes = random_floats(p.size(), 2);
  if (r.half_x) values = as_f32(as_bf16(values));
  if (r.half_y) slopes = as_f32(as_bf16(slopes));
  const auto gammas = random_floats(p.affine_size(), 3, 0.5f, 1.5f),
             betas = random_floats(p.affine_size(), 4);
  const Expected want = naive(p, values, gammas, betas, slopes);
  const std::vector<float> empty(values.size());
  const Stored x(values, r.half_x, r.offset), y(empty, r.half_y, r.offset), dy(slopes, r.half_y, r.offset);
  const Stored dx(empty, r.half_x, r.offset);
  const auto groups = static_cast<size_t>(p.samples * p.channels);
  const Device<float> gamma(gammas), beta(betas), mean(groups), inv_std(groups);
  const Device<float> dgamma(gammas.size()), dbeta(gammas.size());
  const double narrow = 5e-3, slack = 3e-6;

  cuda::NormArgs args;
  args.x = x.get(), args.y = y.get(), args.x_dtype = x.dtype(), args.y_dtype = y.dtype();
  if (p.affine) args.gamma = gamma.get(), args.beta = beta.get();
  args.by_row = p.by_row;
  args.mean = mean.get(), args.inv_std = inv_std.get();
  args.samples = p.samples, args.rows = p.rows, args.channels = p.channels;
  args.eps = static_cast<float>(eps);
  args.instance = r.instance;
  const int forward = cuda::norm_instance(args);
  if (forward >= 0) {
    const Workspace space(cuda::norm_workspace(args));
    args.workspace = space.get();
    for (int i = 0; i < 2; ++i) succeed(cuda::launch_norm(args, nullptr));
    CHECK(relative_error(y.read(), want.y) <= (r.half_y ? narrow : slack));
    CHECK(relative_error(mean.read(), want.mean) <= slack);
    CHECK(relative_error(inv_std.read(), want.inv_std) <= slack);
  }

  const Device<float> true_mean(std::vector<float>(want.mean.begin(), want.mean.end()));
  const Device<float> true_inv_std(std::vector<float>(want.inv_std.begin(), want.inv_std.end()));
  cuda::NormGradArgs grad;
  grad.x = x.get(), grad.dy = dy.get(), grad.dx = dx.get();
  grad.x_dtype = x.dtype(), grad.dy_dtype = dy.dtype(), grad.dx_dtype = dx.dtype();
  grad.mean = true_mean.get(), grad.inv_std = true_inv_std.get();
  if (p.affine) grad.gamma = gamma.get(), grad.dgamma = dgamma.get(), grad.dbeta = dbeta.get();
  grad.by_row = p.by_row;
  grad.samples = p.samples, grad.rows = p.rows, grad.channels = p.channels;
  grad.instance = r.instance;
  const int backward = cuda::norm_grad_instance(grad);
  if (backward >= 0) {
    const Workspace space(cuda::norm_grad_workspace(grad));
    grad.workspace = space.get();
    for (int i = 0; i < 2; ++i) succeed(cuda::launch_norm_grad(grad, nullptr));
    // Where all cancels, what is left is rounding of terms of the size of dy.
    double scale = 0;
    for (size_t i = 0; i < want.inv_std.size(); ++i) scale = std::max(scale, want.inv_std[i]);
    const auto got = dx.read();
    double error = 0, size = 0;
    for (size_t i = 0; i < got.size(); ++i) {
      error = std::max(error, std::fabs(got[i] - want.dx[i]));
      size = std::max(size, std::fabs(want.dx[i]));
    }
    CHECK(error <= std::max(size * (r.half_x ? narrow : slack), scale * 1e-6));
    if (p.affine) {
      CHECK(relative_error(dgamma.read(), want.dgamma) <= 2 * slack);
      CHECK(relative_error(dbeta.read(), want.dbeta) <= slack);
    }
  }
  return {forward, backward};
}

}  // namespace

// Broken: a group's elements are left out, taken twice or normalised with another group's statistics, by any
// instance and at sizes that are no multiple of its tile.
TEST_CASE("instance and layer norm, forward and backward", "[cuda]") {
  if (!have_device("instance and layer norm")) return;
  Seen forward, backward;
  const std::vector<Problem> problems = {
      // Tiles of channels: one image, one pixel, odd channels, more pixels than a block keeps.
      {2, 20, 3, false, true},
      {3, 1, 5, false, true},
      {1, 77, 17, false, false},
      {2, 64, 40, false, true},
      {5, 9, 64, false, false},
      {1, 7001, 8, false, true},
      {2, 2501, 12, false, false},
      {1, 5003, 3, false, true},
      // Samples as a whole: by a warp, by a block, split.
      {3, 1, 1, true, true},
      {9, 33, 1, true, true},
      {11, 512, 1, true, false},
      {2, 1001, 1, true, true},
      {3, 4096, 1, true, true},
      {2, 30004, 1, true, true},
      {1, 27001, 1, true, false},
      {4, 600, 1, false, true},
  };
  for (const Problem& p : problems)
    for (const Run r : {Run{false, false, 0}, Run{true, true, 0}, Run{false, true, 0}, Run{true, false, 1}}) {
      INFO("problem " << &p - problems.data() << " half " << r.half_x << r.half_y);
      const auto [first, second] = run(p, r);
      CHECK(first >= 0);
      CHECK(second >= 0);
      forward.add(first);
      backward.add(second);
    }
  const auto table = cuda::norm_instances();
  for (int instance = 0; instance < static_cast<int>(table.size()); ++instance)
    for (const Problem& p : {problems[3], problems[10], problems[11], problems[12]})
      for (const bool half_x : {false, true})
        for (const bool half_y : {false, true}) {
          INFO(table[static_cast<size_t>(instance)].name << " problem of " << p.rows << " half " << half_x
                                                         << half_y);
          const auto [first, second] = run(p, {half_x, half_y, 0, instance});
          CHECK((first == instance || first == -1));
          CHECK((second == instance || second == -1));
          forward.add(first);
          backward.add(second);
        }
  forward.require_all(table);
  backward.require_all(table);
}

// Broken: a group that just fits into shared memory is refused by devices whose blocks have 99 KiB of it.
TEST_CASE("norms of groups as large as shared memory run on every device", "[cuda]") {
  if (!have_device("norms of large groups")) return;
  for (const char* arch : {"sm_86", "sm_90"}) {
    const AsArch device(arch);
    for (const Problem& p : {Problem{1, 3072, 8, false, true},
                             {1, 1536, 8, false, true},
                             {1, 24576, 1, true, true},
                             {1, 12288, 1, true, true}})
      for (const int64_t fewer : {0, 64, 128})
        for (const bool half : {false, true}) {
          INFO(arch << ", " << p.rows - fewer << " rows of " << p.channels << ", half " << half);
          Problem smaller = p;
          smaller.rows -= fewer;
          CHECK_NOTHROW(run(smaller, {half, half}));
        }
  }
}

// Broken: statistics of numbers far from 0 are had by subtracting two large sums.
TEST_CASE("norms of images whose mean is far from their deviation", "[cuda]") {
  if (!have_device("norms of images with large means")) return;
  for (const int channels : {1, 8})
    for (const int64_t rows : {int64_t{300}, int64_t{9000}}) {
      const Problem p{2, rows, channels, false, false};
      const auto values = random_floats(p.size(), 7, 1000, 1001);
      const Expected want = naive(p, values, std::vector<float>(8), {}, values);
      const auto groups = static_cast<size_t>(p.samples * p.channels);
      const Device<float> x(values), y(values.size()), mean(groups), inv_std(groups);
      cuda::NormArgs args;
      args.x = x.get(), args.y = y.get(), args.mean = mean.get(), args.inv_std = inv_std.get();
      args.samples = p.samples, args.rows = p.rows, args.channels = p.channels;
      args.eps = static_cast<float>(eps);
      const Workspace space(cuda::norm_workspace(args));
      args.workspace = space.get();
      succeed(cuda::launch_norm(args, nullptr));
      CHECK(relative_error(inv_std.read(), want.inv_std) <= 1e-6);
      CHECK(relative_error(y.read(), want.y) <= 1.2e-4);  // the mean as f32 is off by up to 3e-5
    }
}

// Broken: u, v or sigma of a matrix that shares a launch with others, at any alignment.
TEST_CASE("power iterations of several matrices at once", "[cuda]") {
  if (!have_device("power iterations")) return;
  const std::vector<std::pair<int, int>> extents = {{1, 40},   {40, 1},    {17, 5},  {64, 27},
                                                    {9, 1024}, {70, 2304}, {700, 36}};
  for (const bool iterate : {true, false}) {
    Seen seen;
    cuda::SpectralNormArgs args;
    std::vector<std::unique_ptr<Device<float>>> memory;
    std::vector<std::vector<float>> weights, starts;
    const auto on_device = [&](size_t count, const std::vector<float>* values, size_t offset) {
      memory.push_back(values == nullptr ? std::make_unique<Device<float>>(count)
                                         : std::make_unique<Device<float>>(*values, offset));
      return memory.back()->get();
    };
    for (const size_t offset : {size_t{0}, size_t{1}})
      for (const auto& [rows, columns] : extents) {
        const auto number = static_cast<uint32_t>(weights.size());
        weights.push_back(random_floats(int64_t{rows} * columns, 2 * number));
        starts.push_back(random_floats(rows, 2 * number + 1, 0.1f, 1));
        cuda::SpectralNorm& m = args.matrices[args.count++];
        m.w = on_device(0, &weights.back(), offset);
        m.u = on_device(0, &starts.back(), 0);
        m.y = on_device(weights.back().size(), nullptr, offset);
        m.sigma = on_device(1, nullptr, 0);
        m.new_u = on_device(static_cast<size_t>(rows), nullptr, 0);
        m.v = on_device(static_cast<size_t>(columns), nullptr, 0);
        m.rows = rows, m.columns = columns, m.iterate = iterate;
        seen.add(cuda::spectral_norm_instance(m));
      }
    const Workspace space(cuda::spectral_norm_workspace(args));
    args.workspace = space.get();
    for (int i = 0; i < 2; ++i) succeed(cuda::launch_spectral_norm(args, nullptr));
    for (int i = 0; i < args.count; ++i) {
      const auto& [rows, columns] = extents[static_cast<size_t>(i) % extents.size()];
      INFO(rows << " x " << columns << " iterate " << iterate);
      const auto &w = weights[static_cast<size_t>(i)], &u = starts[static_cast<size_t>(i)];
      List v(static_cast<size_t>(columns)), t(static_cast<size_t>(rows));
      const auto norm_of = [](const List& x) {
        double square = 0;
        for (const double value : x) square += value * value;
        return std::sqrt(square);
      };
      for (size_t k = 0; k < w.size(); ++k) v[k % v.size()] += static_cast<double>(w[k]) * u[k / v.size()];
      const double first = norm_of(v);
      for (double& value : v) value /= first;
      for (size_t k = 0; k < w.size(); ++k) t[k / v.size()] += w[k] * v[k % v.size()];
      const double second = norm_of(t);
      double along = 0;
      for (size_t r = 0; r < t.size(); ++r) along += t[r] * u[r];
      List turned(u.begin(), u.end());
      if (iterate)
        for (size_t r = 0; r < t.size(); ++r) turned[r] = t[r] / second;
      const auto read = [&](int which) { return memory[static_cast<size_t>(6 * i + which)]->read(); };
      List y;
      for (const float value : w) y.push_back(value / (iterate ? second : along));
      CHECK(relative_error(read(2), y) <= 2e-6);
      CHECK(relative_error(read(3), List{iterate ? second : along}) <= 2e-6);
      CHECK(relative_error(read(4), turned) <= 2e-6);
      CHECK(relative_error(read(5), v) <= 2e-6);
    }
    seen.require_all(cuda::spectral_norm_instances());
  }
}
