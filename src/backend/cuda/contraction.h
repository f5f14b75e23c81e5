#pragma once
#include <algorithm>
#include <cstdlib>
#include <optional>

#include "backend/cuda/lowering.h"

/// What convolutions and matrix products share in their lowering: results with what the epilogue does to
/// them, and the choice among implementations.
namespace agon::device {

/// Where a contraction's result goes, and what else its epilogue does.
struct Result {
  Ref data, bias;
  Activation activation;
  bool accumulate = false;
  Lowering::Statistics statistics;
  int stats_channels = 0;

  void bind(const Frame& f, kernel::Epilogue& epilogue) const {
    epilogue.bias = f.at(bias);
    epilogue.activation = to_kernel(activation);
    epilogue.accumulate = accumulate;
    epilogue.stats_sums = f.at(statistics.sums);
    epilogue.stats_squares = f.at(statistics.squares);
    epilogue.stats_counts = f.at<int32_t>(statistics.counts);
    epilogue.stats_channels = stats_channels;
  }
};

/// A family's functions in the C table.
template <class Args>
struct Family {
  Launch<Args> launch;
  size_t (*workspace)(const Args*);
  int64_t (*partials)(const Args*);
  int (*instance)(const Args*);
  const kernel::ContractionInstance* (*instances)(int*);
  int (*rivals)(agon_cuda_context*, const Args*, agon_cuda_rival*, int);
  int (*launch_rival)(agon_cuda_context*, int, const Args*);
  const char* rival_variable;  ///< names the rival's file
};

/// What computes a contraction: an instance of our kernels (-1: of their own choice), or a rival.
struct Implementation {
  std::string name;
  int instance = -1, rival = -1;
  size_t workspace = 0;
};

/// Room for partial sums of a result.
struct StatisticsRoom {
  size_t vectors, counts;
  StatisticsRoom(int64_t partials, int channels)
      : vectors(static_cast<size_t>(partials * channels) * sizeof(float)),
        counts(static_cast<size_t>(partials) * sizeof(int32_t)) {}
};

/// The name of a problem among those that autotune knows: all that the choice may depend on.
inline std::string problem_of(const Node& node, const StepFacts& facts, kernel::Math math,
                              const Result& result, std::string_view prologues) {
  return fmt::format("{} {} {}{}{}{}{}", name_of(node.op), facts.detail,
                     math == kernel::Math::f32    ? "f32"
                     : math == kernel::Math::tf32 ? "tf32"
                                                  : "bf16",
                     prologues, result.bias.valid() ? " bias" : "", result.accumulate ? " accumulate" : "",
                     result.stats_channels > 0 ? " statistics" : "");
}

/// All that can compute `args`, which holds addresses.
template <class Args>
std::vector<Implementation> candidates_of(const Lowering& l, Args args, const Family<Args>& family) {
  std::vector<Implementation> all;
  int count = 0;
  const auto* table = family.instances(&count);
  for (args.instance = 0; args.instance < count; ++args.instance)
    if (family.instance(&args) == args.instance)
      all.push_back({table[args.instance].name, args.instance, -1, family.workspace(&args)});
  // NVIDIA's libraries need a real device; on a simulated one only a file that was named is asked.
  if (l.device().simulator().present() && std::getenv(family.rival_variable) == nullptr) return all;
  agon_cuda_rival rivals[8];
  const int rival_count = family.rivals(l.device().context(), &args, rivals, 8);
  for (int i = 0; i < rival_count; ++i)
    all.push_back({rivals[i].name, -1, rivals[i].algorithm, rivals[i].workspace_bytes});
  return all;
}

template <class Args>
void launch(const Device& device, const Family<Args>& family, const Implementation& how, Args& args,
            const std::string& label) {
  args.instance = how.instance;
  device.require(how.rival >= 0 ? family.launch_rival(device.context(), how.rival, &args)
                                : (device.cuda().*family.launch)(device.context(), &args),
                 label);
}

/// The fastest implementation, by autotune.
template <class Args, class Bind>
Implementation choose(Lowering& l, const std::string& problem, Result result, const Args& args,
                      const Bind& bind, const Family<Args>& family) {
  if (l.tuner().is_idle()) return {};
  Args question = args;
  bind(l.preview(), question, result);
  const auto candidates = candidates_of(l, question, family);
  std::vector<std::string> names;
  size_t workspace = 0;
  int64_t partials = 1;
  for (const Implementation& candidate : candidates) {
    names.push_back(candidate.name);
    workspace = std::max(workspace, candidate.workspace);
    question.instance = candidate.instance;
    if (result.stats_channels > 0) partials = std::max(partials, family.partials(&question));
  }
  std::vector<Ref> more{l.trial_room(workspace)};
  if (result.stats_channels > 0) {
    const StatisticsRoom room(partials, result.stats_channels);
    result.statistics.sums = more.emplace_back(l.trial_room(room.vectors));
    result.statistics.squares = more.emplace_back(l.trial_room(room.vectors));
    result.statistics.counts = more.emplace_back(l.trial_room(room.counts));
  }
  std::optional<std::pair<Frame, DeviceMemory>> trial;
  const std::string best = l.tuner().choose(problem, names, [&](size_t i) {
    if (!trial) trial = l.trial(more);
    Args bound = args;
    bind(trial->first, bound, result);
    bound.workspace = trial->first.template at<void>(more[0]);
    launch(l.device(), family, candidates[i], bound, problem);
  });
  const auto found = std::ranges::find(names, best);
  return found == names.end() ? Implementation{} : candidates[static_cast<size_t>(found - names.begin())];
}

}  // namespace agon::device
