#include <atomic>
#include <csignal>
#include <nlohmann/json.hpp>

#include "agon/error.h"
#include "agon/trainer.h"

#include "app/command.h"
#include "app/config_options.h"
#include "app/evaluation.h"
#include "app/format.h"
#include "app/machine.h"
#include "app/progress.h"
#include "app/report.h"
#include "app/run_folder.h"
#include "gan/trainer_run.h"

namespace agon::app {
namespace {

namespace fs = std::filesystem;

struct TrainOptions {
  ConfigOptions config;
  std::string out, resume;
  bool json = false;
};

std::atomic<bool> stop_requested{false};
static_assert(std::atomic<bool>::is_always_lock_free, "signal handlers may only touch lock-free atomics");

/// The first Ctrl-C ends the run in good order, the second one at once.
void on_interrupt(int signal) {
  stop_requested = true;
  std::signal(signal, SIG_DFL);
}

std::string cost_line(const Trainer& trainer) {
  const RunCost& cost = trainer.cost();
  std::string parameters;
  for (const auto& [network, count] : cost.parameters)
    parameters += fmt::format("{}{} {}", parameters.empty() ? "" : " + ", network,
                              count_text(static_cast<uint64_t>(count)));
  const auto text = [](size_t bytes) { return bytes_text(static_cast<double>(bytes)); };
  // All buffers are made and touched by now, so what is resident is what the run will need.
  return fmt::format(
      "parameters: {}; memory about {} (weights and optimizer {}, activations {}, images ahead {}, program "
      "and "
      "data the rest)",
      parameters, text(peak_resident_bytes()), text(cost.state_bytes), text(cost.program_bytes),
      text(cost.loader_bytes));
}

std::string plan_line(const Trainer& trainer, const fs::path& run) {
  const Config& config = trainer.config();
  return fmt::format("{} on {}: {} steps of batch {} from {}, into {}", config.string("name"),
                     config.string("device"), count_text(trainer.total_steps() - trainer.step()),
                     config.integer("train.batch_size"), trainer.data_text(), run.string());
}

/// One training run with its display, evaluations and report.
class Session {
 public:
  Session(const TrainOptions& options, Config config, fs::path run)
      : options_(options), run_(std::move(run)), bar_(config.string("name"), stderr) {
    TrainerHooks hooks;
    hooks.step = [this](const StepEvent& event) { show(event); };
    hooks.sample = [this](const fs::path&) { report_due_ = true; };
    if (config.integer("eval.count") > 0 && !Game(config).generator().empty())
      hooks.evaluate = [this](Trainer& trainer) { return try_to_evaluate(trainer); };
    trainer_ = std::make_unique<Trainer>(
        config,
        TrainerOptions{run_, !options.resume.empty(), [this](const std::string& line) { bar_.say(line); },
                       tuning_file()},
        std::move(hooks));
  }

  int run() {
    const uint64_t first = trainer_->step();
    if (first == trainer_->total_steps()) {
      bar_.say(fmt::format("{}: finished already; --set train.steps=N trains on", run_.string()));
      write_report(run_);
      return done("finished");
    }
    bar_.say(plan_line(*trainer_, run_));
    bar_.say(cost_line(*trainer_));
    if (first > 0) bar_.say(fmt::format("resuming after step {}", first));
    first_step_ = first;
    write_run_facts(run_, *trainer_, "training");
    try {
      const auto outcome = trainer_->run(&stop_requested);
      return outcome == Trainer::Outcome::finished ? done("finished") : interrupted();
    } catch (const Error&) {
      try {
        leave_note("failed");
      } catch (const Error&) {  // the first error is the one to tell
      }
      throw;
    }
  }

 private:
  static constexpr uint64_t warm_up = 12;  ///< steps before the time to the end is told

  void show(const StepEvent& event) {
    Progress progress{event.step,         event.total_steps,  event.epoch, event.total_epochs,
                      event.images_per_s, event.seconds_left, {}};
    for (const auto& [name, value] : event.losses)
      progress.losses.emplace_back(name.substr(std::string_view("loss_").size()), value);
    last_ = progress;
    if (event.step == first_step_ + warm_up && event.step < event.total_steps)
      bar_.say(fmt::format("about {} to the end, at {:.0f} images/s", duration_text(event.seconds_left),
                           event.images_per_s));
    bar_.update(progress, event.logged);
    if (report_due_) {
      write_run_facts(run_, *trainer_, "training");
      write_report(run_);
      report_due_ = false;
    }
  }

  /// A run is not to be lost because its images cannot be scored.
  Metrics try_to_evaluate(Trainer& trainer) {
    try {
      return evaluate(trainer);
    } catch (const Error& error) {
      bar_.say(fmt::format("no evaluation at step {}: {}", trainer.step(), error.what()));
      return {};
    }
  }

  Metrics evaluate(Trainer& trainer) {
    const Config& config = trainer.config();
    if (!evaluator_) {
      const auto say = [this](const std::string& line) { bar_.say(line); };
      evaluator_ = std::make_unique<RunEvaluator>(config, false, say);
      sampler_ = std::make_unique<Sampler>(trainer.game(), trainer.backend(), trainer.store(),
                                           config.integer("train.batch_size"),
                                           static_cast<uint64_t>(config.integer("seed")));
    }
    const Evaluation scores = evaluator_->evaluate(*sampler_, config.integer("eval.count"));
    write_evaluation(run_, scores, trainer.step());
    bar_.say(fmt::format("step {}: Fréchet distance {}, inception score {} ({})", trainer.step(),
                         number_text(scores.fid), number_text(scores.inception_score.mean),
                         scores.extractor.name));
    return {{"fid", scores.fid}, {"inception_score", scores.inception_score.mean}};
  }

  int done(const std::string& status) {
    if (last_.total > 0) bar_.finish(last_);
    leave_note(status);
    if (options_.json) {
      nlohmann::ordered_json json{{"run", run_.string()},
                                  {"status", status},
                                  {"step", trainer_->step()},
                                  {"report", (run_ / "report.html").string()}};
      fmt::print("{}\n", json.dump());
    } else {
      fmt::print("{}\n", (run_ / "report.html").string());
    }
    return exit_done;
  }

  int interrupted() {
    bar_.finish(last_);
    leave_note("interrupted");
    bar_.say(fmt::format("stopped after step {}; go on with: agon train --resume {}", trainer_->step(),
                         run_.string()));
    return exit_interrupted;
  }

  void leave_note(const std::string& status) {
    write_run_facts(run_, *trainer_, status);
    write_report(run_);
  }

  const TrainOptions& options_;
  fs::path run_;
  ProgressBar bar_;
  std::unique_ptr<Trainer> trainer_;
  std::unique_ptr<RunEvaluator> evaluator_;
  std::unique_ptr<Sampler> sampler_;
  Progress last_;
  uint64_t first_step_ = 0;
  bool report_due_ = false;
};

int train(const TrainOptions& options) {
  const bool resume = !options.resume.empty();
  check(resume || !options.config.name.empty(), ErrorKind::usage,
        "agon train: name a preset or a config file (agon presets lists them), or --resume a run");
  check(!resume || (options.config.name.empty() && options.out.empty()), ErrorKind::usage,
        "agon train: --resume takes its config and place from the run; drop the preset and --out");
  Config config = resume ? config_of(options.resume) : Config::named(options.config.name);
  options.config.apply(config);
  const fs::path run = resume ? fs::path(options.resume) : new_run_folder(options.out, config.string("name"));
  Session session(options, std::move(config), run);
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
  return session.run();
}

}  // namespace

void add_train(CLI::App& app, Job& job) {
  auto* command = app.add_subcommand("train", "train a preset or a config");
  auto options = std::make_shared<TrainOptions>();
  command->add_option("config", options->config.name, "preset, or path of a config")
      ->type_name("PRESET|CONFIG.toml");
  options->config.add_to(*command);
  command->add_option("--out", options->out, "directory of the run; default runs/NAME")->type_name("DIR");
  command->add_option("--resume", options->resume, "go on with the run in this directory")->type_name("DIR");
  command->add_flag("--json", options->json, "print the outcome as JSON");
  command->callback([&job, options] { job = [options] { return train(*options); }; });
}

}  // namespace agon::app
