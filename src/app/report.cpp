#include "app/report.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "agon/error.h"

#include "app/format.h"
#include "app/report_page.h"
#include "io/atomic_file.h"
#include "io/file.h"

namespace agon::app {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr size_t max_points = 3000;  // of a curve: more than a screen has pixels
constexpr size_t max_grids = 150;    // keeps the page within some tens of megabytes

std::string base64(std::span<const std::byte> bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t n = std::min<size_t>(3, bytes.size() - i);
    uint32_t word = 0;
    for (size_t k = 0; k < 3; ++k) word = word << 8 | (k < n ? static_cast<uint32_t>(bytes[i + k]) : 0);
    for (size_t k = 0; k < 4; ++k) text += k <= n ? digits[word >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

Json read_json(const fs::path& path) {
  std::error_code missing;
  if (!fs::exists(path, missing)) return nullptr;
  const auto bytes = read_file(path);
  const auto* text = reinterpret_cast<const char*>(bytes.data());
  Json json = Json::parse(text, text + bytes.size(), nullptr, /*allow_exceptions=*/false);
  return json.is_object() ? json : Json(nullptr);
}

struct Curves {
  Json step = Json::array(), epoch = Json::array(), series = Json::object();
  std::map<std::string, double> last, best_low, best_high;
  double median_images_per_s = 0;
};

/// metrics.jsonl as columns, thinned evenly; lines with an evaluation always stay.
Curves read_curves(const fs::path& path) {
  std::vector<Json> lines;
  std::ifstream file(path);
  for (std::string text; std::getline(file, text);) {
    Json line = Json::parse(text, nullptr, false);
    if (line.is_object() && line.contains("step")) lines.push_back(std::move(line));
  }
  Curves curves;
  std::vector<double> speeds;
  std::vector<std::string> keys;
  for (const Json& line : lines)
    for (const auto& [key, value] : line.items()) {
      if (!value.is_number()) continue;
      const double v = value.get<double>();
      curves.last[key] = v;
      if (const auto [low, fresh] = curves.best_low.try_emplace(key, v); !fresh)
        low->second = std::min(low->second, v);
      if (const auto [high, fresh] = curves.best_high.try_emplace(key, v); !fresh)
        high->second = std::max(high->second, v);
      if (key == "images_per_s") speeds.push_back(v);
      if (key != "step" && key != "epoch" && key != "seconds" && std::ranges::find(keys, key) == keys.end())
        keys.push_back(key);
    }
  if (!speeds.empty()) {
    std::ranges::nth_element(speeds, speeds.begin() + static_cast<std::ptrdiff_t>(speeds.size() / 2));
    curves.median_images_per_s = speeds[speeds.size() / 2];
  }
  const size_t stride = std::max<size_t>(1, lines.size() / max_points);
  for (const std::string& key : keys) curves.series[key] = Json::array();
  for (size_t i = 0; i < lines.size(); ++i) {
    if (i % stride != 0 && i + 1 != lines.size() && !lines[i].contains("fid")) continue;
    curves.step.push_back(lines[i]["step"]);
    curves.epoch.push_back(lines[i].value("epoch", 0.0));
    for (const std::string& key : keys) {
      const auto value = lines[i].find(key);
      const bool number =
          value != lines[i].end() && value->is_number() && std::isfinite(value->get<double>());
      curves.series[key].push_back(number ? *value : Json(nullptr));
    }
  }
  return curves;
}

/// Grids are named step-00000900.png.
Json read_samples(const fs::path& folder, double steps_per_epoch) {
  std::vector<fs::path> files;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none))
    if (entry.path().extension() == ".png" && entry.path().filename().string().starts_with("step-"))
      files.push_back(entry.path());
  std::ranges::sort(files);
  Json samples = Json::array();
  const size_t count = std::min(files.size(), max_grids);
  for (size_t k = 0; k < count; ++k) {
    const fs::path& file = files[count < 2 ? 0 : k * (files.size() - 1) / (count - 1)];
    const uint64_t step = std::strtoull(file.stem().c_str() + 5, nullptr, 10);
    const std::string label = steps_per_epoch > 0
                                  ? fmt::format("epoch {:.4g} · step {}",
                                                static_cast<double>(step) / steps_per_epoch, count_text(step))
                                  : fmt::format("step {}", count_text(step));
    samples.push_back({{"label", label}, {"src", "data:image/png;base64," + base64(read_file(file))}});
  }
  return samples;
}

Json headline(const Json& facts, const Curves& curves, const Json& evaluation) {
  Json list = Json::array();
  const auto add = [&](std::string_view label, const std::string& value) { list.push_back({label, value}); };
  const auto last = curves.last.find("step");
  if (last != curves.last.end()) {
    const auto step = static_cast<uint64_t>(last->second), total = facts.value("total_steps", uint64_t{0});
    add(total > 0 ? fmt::format("steps of {}", count_text(total)) : "steps", count_text(step));
  }
  if (const auto epoch = curves.last.find("epoch"); epoch != curves.last.end())
    add("epochs", number_text(epoch->second));
  if (curves.median_images_per_s > 0) add("images/s (median)", number_text(curves.median_images_per_s));
  if (const auto seconds = curves.last.find("seconds"); seconds != curves.last.end())
    add("training time", duration_text(seconds->second));
  const auto score = [&](const char* key, const char* label, const std::map<std::string, double>& best,
                         const char* of) {
    if (evaluation.is_object() && evaluation.contains(key) && evaluation[key].is_object())
      add(label, number_text(evaluation[key].value("mean", 0.0)));
    else if (const auto found = best.find(key); found != best.end())
      add(fmt::format("{} ({})", label, of), number_text(found->second));
  };
  score("fid", "Fréchet distance", curves.best_low, "lowest");
  score("inception_score", "inception score", curves.best_high, "highest");
  if (facts.contains("parameters")) {
    uint64_t sum = 0;
    for (const auto& [name, count] : facts["parameters"].items()) sum += count.get<uint64_t>();
    add("parameters", count_text(sum));
  }
  return list;
}

Json details(const Json& facts) {
  Json list = Json::array();
  if (!facts.is_object()) return list;
  if (facts.contains("parameters"))
    for (const auto& [name, count] : facts["parameters"].items())
      list.push_back({fmt::format("parameters of {}", name), count_text(count.get<uint64_t>())});
  if (facts.contains("peak_memory_bytes"))
    list.push_back({"peak memory", bytes_text(facts["peak_memory_bytes"].get<double>())});
  for (const auto& [key, label] : {std::pair("data", "data set"),
                                   {"device", "device"},
                                   {"machine", "machine"},
                                   {"version", "program"},
                                   {"started", "started"}})
    if (facts.contains(key) && facts[key].is_string()) list.push_back({label, facts[key]});
  return list;
}

std::string protocol(const Json& evaluation) {
  std::vector<std::string> parts;
  if (evaluation.contains("step"))
    parts.push_back(fmt::format("Step {}", count_text(evaluation["step"].get<uint64_t>())));
  for (const auto& [key, label] :
       {std::pair("fid", "Fréchet distance"), {"inception_score", "inception score"}}) {
    if (!evaluation.contains(key) || !evaluation[key].is_object()) continue;
    const Json& value = evaluation[key];
    parts.push_back(fmt::format("{} {} ({})", label, number_text(value.value("mean", 0.0)),
                                value.value("extractor", std::string("?"))));
  }
  if (evaluation.contains("accuracy") && evaluation["accuracy"].is_number())
    parts.push_back(
        fmt::format("classifier's accuracy {:.2f} %", 100 * evaluation["accuracy"].get<double>()));
  return fmt::format("{}", fmt::join(parts, " · "));
}

/// Adds what the page shows of evaluation.json: the caption and the histograms with their names.
void dress(Json& evaluation) {
  evaluation["caption"] = protocol(evaluation);
  const Json counts = evaluation.value("generated_classes", Json::array());
  if (counts.empty()) return;
  evaluation["histogram"] = counts;
  Json names = evaluation.value("class_names", Json::array());
  for (size_t i = names.size(); i < counts.size(); ++i) names.push_back(std::to_string(i));
  evaluation["classes"] = names;
  if (evaluation.contains("confusion")) {
    Json real = Json::array();
    for (const Json& row : evaluation["confusion"]) {
      uint64_t sum = 0;
      for (const Json& count : row) sum += count.get<uint64_t>();
      real.push_back(sum);
    }
    evaluation["real_histogram"] = real;
  }
}

std::string read_text(const fs::path& path) {
  std::error_code missing;
  if (!fs::exists(path, missing)) return {};
  const auto bytes = read_file(path);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

void write_report(const fs::path& run) {
  Json facts = read_json(run / "run.json");
  if (facts.is_null()) facts = Json::object();
  Json evaluation = read_json(run / "evaluation.json");
  const Curves curves = read_curves(run / "metrics.jsonl");

  Json data;
  data["name"] = facts.value("name", run.filename().string());
  data["about"] = facts.value("about", std::string());
  data["status"] = facts.value("status", std::string("training"));
  data["facts"] = headline(facts, curves, evaluation);
  data["details"] = details(facts);
  data["step"] = curves.step;
  data["epoch"] = curves.epoch;
  data["series"] = curves.series;
  data["samples"] = read_samples(run / "samples", facts.value("steps_per_epoch", 0.0));
  data["config"] = read_text(run / "config.toml");
  if (evaluation.is_object()) dress(evaluation);
  data["evaluation"] = evaluation;

  // Inside of a script element only "</" could end the data early.
  std::string text = data.dump(-1, ' ', false, Json::error_handler_t::replace);
  for (size_t at = 0; (at = text.find("</", at)) != std::string::npos; at += 3) text.replace(at, 2, "<\\/");

  AtomicFile file(run / "report.html");
  file.write(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, "
      "initial-scale=1\">\n<title>Agon</title>\n<style>");
  file.write(report_style);
  file.write("</style>\n</head>\n<body>");
  file.write(report_body);
  file.write("<script type=\"application/json\" id=\"run\">");
  file.write(text);
  file.write("</script>\n<script>");
  file.write(report_script);
  file.write("</script>\n</body>\n</html>\n");
  file.commit();
}

}  // namespace agon::app
