#include "cuda/kernels/norm.cuh"

namespace agon::cuda {
namespace {

constexpr size_t most_shared =
    94 << 10;                      ///< of the 99 KiB that blocks of all devices can have; sums take some
constexpr int short_sample = 512;  ///< elements that a warp takes by itself
constexpr int enough_blocks = 128, split_blocks = 640;

/// Lines a split, and how many splits that makes.
void split(NormGrid& grid, int64_t groups, int step) {
  const int64_t most = ceil_div(grid.lines, int64_t{step} * 4);
  int64_t want = groups > column_counters ? 1 : ceil_div(split_blocks, groups);
  want = want < most ? want : most;
  grid.lines_per_split = static_cast<int32_t>(ceil_div(ceil_div(grid.lines, want), step) * step);
  grid.splits = static_cast<int32_t>(ceil_div(grid.lines, grid.lines_per_split));
}

NormGrid whole_grid(int64_t samples, int64_t rows, int group, int width) {
  NormGrid grid;
  grid.samples = static_cast<int32_t>(samples);
  grid.size = grid.rows = static_cast<int32_t>(rows);
  grid.lanes = group;
  grid.stride = group * width;
  grid.lines = grid.lines_per_split = static_cast<int32_t>(ceil_div(rows, grid.stride));
  return grid;
}

NormGrid tile_grid(int64_t samples, int64_t rows, int channels, int lanes, int width) {
  NormGrid grid;
  grid.samples = static_cast<int32_t>(samples);
  grid.rows = grid.lines = grid.lines_per_split = static_cast<int32_t>(rows);
  grid.channels = grid.stride = channels;
  grid.size = grid.rows * channels;
  grid.lanes = lanes;
  grid.tiles = static_cast<int32_t>(ceil_div(channels, lanes * width));
  return grid;
}

/// Slots of all threads for all that a block keeps.
size_t shared_bytes(const NormGrid& grid, int step, int width, int kept) {
  return static_cast<size_t>(ceil_div(grid.lines, step) * norm_threads * width * kept);
}

/// The widest tile that fits, but so narrow that all multiprocessors have one; never less than a sector wide.
int tile_lanes(int64_t samples, int64_t rows, int channels, int width, int kept) {
  int lanes = 1;
  while (lanes * width < tile_columns_at_most && lanes * width < channels) lanes *= 2;
  const auto too_wide = [&] {
    const NormGrid grid = tile_grid(samples, rows, channels, lanes, width);
    return samples * grid.tiles < enough_blocks ||
           shared_bytes(grid, norm_threads / lanes, width, kept) > most_shared;
  };
  while (lanes * width * kept > 64 && lanes > 1 && too_wide()) lanes /= 2;
  return lanes;
}

/// Fills in the plan for one way; false if that cannot be.
bool try_way(NormPlan& plan, NormWay way, int64_t samples, int64_t rows, int channels, const int (&kept)[2]) {
  const bool whole = channels == 1, wants_whole = way >= NormWay::block;
  if (whole != wants_whole) return false;
  plan.way = way;
  plan.shared = plan.partials = 0;
  const int width = plan.width;
  int group = norm_threads;
  if (way == NormWay::tile) {
    const int lanes = tile_lanes(samples, rows, channels, width, kept[0]);
    plan.grid = tile_grid(samples, rows, channels, lanes, width);
    plan.shared = shared_bytes(plan.grid, norm_threads / lanes, width, kept[0]);
  } else if (way == NormWay::tile_split) {
    plan.columns = ColumnGrid(samples, rows, channels, width);
    plan.grid = tile_grid(samples, rows, channels, plan.columns.lanes, width);
    split(plan.grid, samples * plan.grid.tiles, norm_threads / plan.columns.lanes);
    plan.partials = plan.columns.workspace(2, width);
  } else if (way == NormWay::block_split) {
    plan.grid = whole_grid(samples, rows, group, width);
    split(plan.grid, samples, 1);
    if (plan.grid.splits > 1)
      plan.partials = column_counters * sizeof(uint32_t) + static_cast<size_t>(samples) *
                                                               static_cast<size_t>(plan.grid.splits) * 2 *
                                                               sizeof(double);
  } else {
    group = way == NormWay::warp ? 32 : norm_threads;
    plan.grid = whole_grid(samples, rows, group, width);
    plan.shared = shared_bytes(plan.grid, 1, width, kept[1]);
  }
  const int64_t groups = samples * plan.grid.tiles * plan.grid.splits;
  plan.blocks = static_cast<uint32_t>(ceil_div(groups, norm_threads / group));
  return plan.shared <= most_shared;
}

}  // namespace

NormPlan plan_norm(int64_t samples, int64_t rows, int channels, bool wide, const int (&kept)[2],
                   int instance) {
  NormPlan plan;
  if (samples < 1 || rows < 1 || channels < 1 || samples * rows * channels >= int64_t{1} << 31) return plan;
  if (instance >= static_cast<int>(norm_instances().size()) || (instance >= 0 && instance % 2 == 1 && !wide))
    return plan;
  plan.width = (instance < 0 ? wide : instance % 2 == 1) ? 4 : 1;
  const auto take = [&](NormWay way) {
    if (!try_way(plan, way, samples, rows, channels, kept)) return false;
    plan.instance = static_cast<int>(way) * 2 + (plan.width == 4 ? 1 : 0);
    return true;
  };
  if (instance >= 0) {
    take(static_cast<NormWay>(instance / 2));
  } else if (channels > 1) {
    take(NormWay::tile) || take(NormWay::tile_split);
  } else if (rows > short_sample || !take(NormWay::warp)) {
    take(NormWay::block) || take(NormWay::block_split);
  }
  return plan;
}

std::span<const Instance> norm_instances() {
  static constexpr Instance table[] = {
      {"tile"},         {"tile_vector"}, {"tile_split"},  {"tile_split_vector"}, {"block"},
      {"block_vector"}, {"warp"},        {"warp_vector"}, {"block_split"},       {"block_split_vector"}};
  return table;
}

}  // namespace agon::cuda
