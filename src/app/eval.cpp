#include <algorithm>
#include <nlohmann/json.hpp>

#include "agon/error.h"
#include "agon/trainer.h"

#include "app/command.h"
#include "app/config_options.h"
#include "app/evaluation.h"
#include "app/format.h"
#include "app/report.h"
#include "core/nearest.h"

namespace agon::app {
namespace {

struct EvalOptions {
  std::string run, data, device;
  std::vector<std::string> metrics;
  int64_t count = 0;
  uint64_t seed = 0;
  bool json = false;
};

const std::vector<std::string> metric_names{"fid", "is", "kid", "classifier"};

void check_metrics(const std::vector<std::string>& metrics) {
  for (const std::string& name : metrics)
    check(std::ranges::find(metric_names, name) != metric_names.end(), ErrorKind::usage,
          "agon eval: unknown metric '{}'{}", name, suggestion(name, metric_names));
}

bool wants(const EvalOptions& options, std::string_view name) {
  if (options.metrics.empty()) return name != "kid";
  return std::ranges::find(options.metrics, name) != options.metrics.end();
}

nlohmann::ordered_json chosen(const EvalOptions& options, const Evaluation& evaluation, uint64_t step) {
  auto json = nlohmann::ordered_json::parse(to_json(evaluation));
  if (!wants(options, "fid")) json.erase("fid");
  if (!wants(options, "is")) json.erase("inception_score");
  if (!wants(options, "classifier"))
    for (const char* key : {"accuracy", "recall", "confusion", "generated_classes", "class_names"})
      json.erase(key);
  json["run"] = options.run;
  json["step"] = step;
  return json;
}

void print(const EvalOptions& options, const Evaluation& e, uint64_t step) {
  const auto line = [](std::string_view label, const std::string& value) {
    fmt::print("{:<22}{}\n", label, value);
  };
  line("step", count_text(step));
  if (wants(options, "fid"))
    line("Fréchet distance", fmt::format("  {:.4f}   against {} real images", e.fid,
                                         count_text(static_cast<uint64_t>(e.reference_samples))));
  if (wants(options, "is"))
    line("inception score",
         fmt::format("{:.4f} ± {:.4f}   {} splits", e.inception_score.mean, e.inception_score.std, e.splits));
  if (e.kernel_distance)
    line("kernel distance", fmt::format("{:.6f} ± {:.6f}", e.kernel_distance->mean, e.kernel_distance->std));
  if (wants(options, "classifier")) {
    if (e.held_back)
      line("classifier's accuracy",
           fmt::format("{:.2f} % on held-back images", 100 * e.held_back->accuracy()));
    std::string shares;
    for (size_t i = 0; i < e.generated_classes.size(); ++i)
      shares += fmt::format(
          "{}{} {:.1f} %", i ? ", " : "", i < e.class_names.size() ? e.class_names[i] : std::to_string(i),
          100.0 * static_cast<double>(e.generated_classes[i]) / static_cast<double>(e.samples));
    line("generated classes", shares);
  }
  line("extractor", fmt::format("{} ({}), {} generated images", e.extractor.name, e.extractor.protocol,
                                count_text(static_cast<uint64_t>(e.samples))));
}

int evaluate(const EvalOptions& options) {
  check_metrics(options.metrics);
  const auto say = [](const std::string& line) { fmt::print(stderr, "{}\n", line); };
  TrainedModel model = TrainedModel::open(options.run, options.device, say);
  check(!model.game.generator().empty(), ErrorKind::usage, "{}: the run has no generator to evaluate",
        options.run);
  set_option(model.config, "data.spec", "--data", options.data);
  Sampler sampler(model.game, *model.backend, *model.store, model.config.integer("train.batch_size"),
                  options.seed);
  RunEvaluator evaluator(model.config, wants(options, "kid"), say);
  const int64_t count =
      options.count > 0 ? options.count : std::max<int64_t>(model.config.integer("eval.count"), 5000);
  const Evaluation evaluation = evaluator.evaluate(sampler, count);
  if (options.json)
    fmt::print("{}\n", chosen(options, evaluation, model.step).dump(2));
  else
    print(options, evaluation, model.step);
  // Scores against other data belong to the command's output, not to the run's report.
  if (options.data.empty()) {
    write_evaluation(options.run, evaluation, model.step);
    write_report(options.run);
  }
  return exit_done;
}

}  // namespace

void add_eval(CLI::App& app, Job& job) {
  auto* command = app.add_subcommand("eval", "score a run's newest checkpoint and renew its report");
  auto options = std::make_shared<EvalOptions>();
  command->add_option("run", options->run, "directory of the run")->type_name("RUN")->required();
  command->add_option("--metrics", options->metrics, "of fid, is, kid, classifier; default fid,is,classifier")
      ->type_name("LIST")
      ->delimiter(',')
      ->expected(1);
  command->add_option("--data", options->data, "real images to compare with; default: the run's")
      ->type_name("SPEC");
  command->add_option("--count", options->count, "generated images; default eval.count, at least 5000")
      ->type_name("N");
  command->add_option("--seed", options->seed, "of the generated images; default 0")->type_name("N");
  command->add_option("--device", options->device, "default: the run's")->type_name("NAME");
  command->add_flag("--json", options->json, "print JSON");
  command->callback([&job, options] { job = [options] { return evaluate(*options); }; });
}

}  // namespace agon::app
