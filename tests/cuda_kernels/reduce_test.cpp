#include "cuda/kernels/reduce.h"

#include "cuda_kernels/support.h"

using namespace agon;
using namespace agon::test;
using cuda::ReduceKind;

namespace {

struct Problem {
  std::vector<int64_t> extents;
  std::vector<int> axes;
};

/// Sums, squares or maxima in double, over the axes named.
std::vector<double> naive(const Problem& p, ReduceKind kind, const std::vector<float>& x, double scale) {
  std::vector<int64_t> kept = p.extents;
  for (const int axis : p.axes) kept[static_cast<size_t>(axis)] = 1;
  int64_t outputs = 1;
  for (const int64_t extent : kept) outputs *= extent;
  std::vector<double> y(static_cast<size_t>(outputs), kind == ReduceKind::max ? -INFINITY : 0);
  for (size_t i = 0; i < x.size(); ++i) {
    auto rest = static_cast<int64_t>(i);
    int64_t at = 0, stride = 1;
    for (size_t axis = p.extents.size(); axis-- > 0; rest /= p.extents[axis]) {
      if (kept[axis] != 1) at += rest % p.extents[axis] * stride;
      stride *= kept[axis];
    }
    double& to = y[static_cast<size_t>(at)];
    const double v = x[i];
    if (kind == ReduceKind::max)
      to = std::max(to, v);
    else
      to += scale * (kind == ReduceKind::sum ? v : v * v);
  }
  return y;
}

int run(const Problem& p, ReduceKind kind, bool half, size_t offset, int instance) {
  int64_t numel = 1, outputs = 1;
  cuda::ReduceArgs args;
  args.kind = kind;
  args.dtype = half ? cuda::DType::bf16 : cuda::DType::f32;
  args.rank = static_cast<int>(p.extents.size());
  for (size_t i = 0; i < p.extents.size(); ++i) {
    args.extents[i] = p.extents[i];
    numel *= p.extents[i];
    args.reduced[i] = std::ranges::find(p.axes, static_cast<int>(i)) != p.axes.end();
    if (!args.reduced[i]) outputs *= p.extents[i];
  }
  // A mean far from 0, so that lost low bits show.
  auto values = random_floats(numel, 4, 0.5f, 1.5f);
  if (half) values = as_f32(as_bf16(values));
  const Device<float> x(values, offset), y(static_cast<size_t>(outputs));
  const Device<uint16_t> x_half(as_bf16(values), offset);
  args.x = half ? static_cast<const void*>(x_half.get()) : x.get();
  args.y = y.get();
  args.scale = kind == ReduceKind::max ? 1 : 0.5f;
  args.instance = instance;
  const int ran = cuda::reduce_instance(args);
  if (ran < 0) return -1;
  const Workspace workspace(cuda::reduce_workspace(args));
  args.workspace = workspace.get();
  for (int i = 0; i < 2; ++i) succeed(cuda::launch_reduce(args, nullptr));
  CHECK(relative_error(y.read(), naive(p, kind, values, args.scale)) <= 5e-7);
  return ran;
}

}  // namespace

// An element that is left out or taken twice, by any instance, at sizes that are no multiple of its tile.
TEST_CASE("reductions over any axes", "[cuda]") {
  if (!have_device("reductions")) return;
  Seen seen;
  const std::vector<Problem> problems = {{{1}, {0}},
                                         {{}, {}},
                                         {{6, 5}, {}},
                                         {{40007}, {0}},
                                         {{3, 20000}, {1}},
                                         {{300, 77}, {1}},
                                         {{7, 128}, {1}},
                                         {{5, 7, 9, 3}, {0, 1, 2}},
                                         {{5, 7, 9, 64}, {0, 1, 2}},
                                         {{2, 40, 40, 12}, {1, 2}},
                                         {{4, 9, 7, 260}, {1, 2}},
                                         {{6, 11, 4, 7}, {0, 2}},
                                         {{6, 11, 4, 7}, {1, 3}},
                                         {{3000, 2}, {0}},
                                         {{9, 1, 5}, {1}},
                                         {{20000, 16}, {0, 1}}};
  for (const Problem& p : problems)
    for (const ReduceKind kind : {ReduceKind::sum, ReduceKind::sum_squares, ReduceKind::max})
      for (const bool half : {false, true})
        for (const size_t offset : {size_t{0}, size_t{1}}) {
          INFO("problem " << &p - problems.data() << " kind " << static_cast<int>(kind) << " half " << half);
          seen.add(run(p, kind, half, offset, -1));
        }
  const auto table = cuda::reduce_instances();
  for (int instance = 0; instance < static_cast<int>(table.size()); ++instance)
    for (const Problem& p : {problems[4], problems[8], problems[9]}) {
      INFO(table[static_cast<size_t>(instance)].name);
      const int ran = run(p, ReduceKind::sum, instance >= static_cast<int>(table.size()) / 2, 0, instance);
      CHECK((ran == instance || ran == -1));
      seen.add(ran);
    }
  seen.require_all(table);
}

// A sum that depends on the order in which blocks happen to finish.
TEST_CASE("reductions repeat bitwise", "[cuda]") {
  if (!have_device("repeated reductions")) return;
  const auto values = random_floats(300000, 9);
  const Device<float> x(values), y(1);
  cuda::ReduceArgs args;
  args.x = x.get();
  args.y = y.get();
  args.rank = 1;
  args.extents[0] = static_cast<int64_t>(values.size());
  args.reduced[0] = true;
  const Workspace workspace(cuda::reduce_workspace(args));
  args.workspace = workspace.get();
  std::set<float> results;
  for (int i = 0; i < 4; ++i) {
    succeed(cuda::launch_reduce(args, nullptr));
    results.insert(y.read()[0]);
  }
  CHECK(results.size() == 1);
}
