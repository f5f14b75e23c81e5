#include "cuda/kernels/indexing.h"

#include "cuda/kernels/softmax.h"
#include "cuda_kernels/support.h"

using namespace agon;
using namespace agon::test;

// Rows of another index, sums out of order, or an index out of range that is followed.
TEST_CASE("gather, scatter-add and one-hot", "[cuda]") {
  if (!have_device("indexing")) return;
  struct Sizes {
    int64_t rows, count;
    int width;
  };
  for (const Sizes& s : {Sizes{5, 4, 3}, {10, 300, 100}, {1, 1, 1}, {7, 129, 260}}) {
    const auto table = random_floats(s.rows * s.width, 1), values = random_floats(s.count * s.width, 2);
    auto index = random_indices(s.count, 3, static_cast<uint32_t>(s.rows));
    const Device<float> d_table(table), d_values(values), gathered(values.size()), added(table.size()),
        hot(static_cast<size_t>(s.count * s.rows));
    const Device<int32_t> d_index(index), bad(std::vector<int32_t>{0});
    succeed(cuda::launch_gather(
        {d_table.get(), d_index.get(), gathered.get(), s.rows, s.count, s.width, bad.get()}, nullptr));
    succeed(cuda::launch_scatter_add(
        {d_index.get(), d_values.get(), added.get(), s.rows, s.count, s.width, bad.get()}, nullptr));
    succeed(cuda::launch_one_hot({d_index.get(), hot.get(), s.count, static_cast<int>(s.rows), bad.get()},
                                 nullptr));
    std::vector<float> want_gathered, want_added(table.size()),
        want_hot(static_cast<size_t>(s.count * s.rows));
    for (size_t i = 0; i < index.size(); ++i) {
      const auto row = static_cast<size_t>(index[i]), width = static_cast<size_t>(s.width);
      want_hot[i * static_cast<size_t>(s.rows) + row] = 1;
      for (size_t c = 0; c < width; ++c) {
        want_gathered.push_back(table[row * width + c]);
        want_added[row * width + c] += values[i * width + c];  // in f32 and in index order: bitwise equal
      }
    }
    CHECK(gathered.read() == want_gathered);
    CHECK(added.read() == want_added);
    CHECK(hot.read() == want_hot);
    CHECK(bad.read()[0] == 0);

    index[0] = static_cast<int32_t>(s.rows);
    const Device<int32_t> wrong(index);
    succeed(cuda::launch_gather(
        {d_table.get(), wrong.get(), gathered.get(), s.rows, s.count, s.width, bad.get()}, nullptr));
    CHECK(std::isnan(gathered.read()[0]));
    CHECK(bad.read()[0] == 1);
    const Device<int32_t> again(std::vector<int32_t>{0}), once_more(std::vector<int32_t>{0});
    succeed(cuda::launch_scatter_add(
        {wrong.get(), d_values.get(), added.get(), s.rows, s.count, s.width, again.get()}, nullptr));
    CHECK(again.read()[0] == 1);
    succeed(cuda::launch_one_hot({wrong.get(), hot.get(), s.count, static_cast<int>(s.rows), once_more.get()},
                                 nullptr));
    CHECK(once_more.read()[0] == 1);
  }
}

// Overflow of large scores, rows mixed up, or columns beyond an instance's reach.
TEST_CASE("softmax and its logarithm", "[cuda]") {
  if (!have_device("softmax")) return;
  Seen seen;
  for (const int width : {1, 10, 128, 129, 1000, 1025, 5000})
    for (const bool log : {false, true})
      for (const int instance : {-1, 0, 1, 2}) {
        constexpr int64_t rows = 11;
        const auto x = random_floats(rows * width, 1, 80, 120);
        const Device<float> d_x(x), y(x.size());
        const cuda::SoftmaxArgs args{d_x.get(), y.get(), rows, width, log, instance};
        const int best = width <= 128 ? 0 : width <= 1024 ? 1 : 2;
        if (instance >= 0 && instance < best) {
          CHECK(cuda::launch_softmax(args, nullptr) == cudaErrorInvalidValue);
          continue;
        }
        succeed(cuda::launch_softmax(args, nullptr));
        seen.add(instance < 0 ? best : instance);
        std::vector<double> want;
        for (size_t r = 0; r < rows; ++r) {
          const float* const row = x.data() + r * static_cast<size_t>(width);
          double sum = 0;
          for (int c = 0; c < width; ++c) sum += std::exp(static_cast<double>(row[c]) - 120);
          for (int c = 0; c < width; ++c) {
            const double score = static_cast<double>(row[c]) - 120;
            want.push_back(log ? score - std::log(sum) : std::exp(score) / sum);
          }
        }
        INFO("width " << width << " log " << log << " instance " << instance);
        CHECK(relative_error(y.read(), want) <= 2e-6);
      }
  seen.require_all(cuda::softmax_instances());
}
