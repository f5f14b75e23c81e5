#include <cmath>
#include <nlohmann/json.hpp>

#include "agon/evaluate.h"

namespace agon {
namespace {

using Json = nlohmann::ordered_json;

Json score(const Evaluation& evaluation, double mean) {
  return {{"mean", mean},
          {"n", evaluation.samples},
          {"extractor", evaluation.extractor.name},
          {"protocol", evaluation.extractor.protocol}};
}

Json against_reference(const Evaluation& evaluation, double mean) {
  Json result = score(evaluation, mean);
  result["reference"] = evaluation.reference;
  result["n_reference"] = evaluation.reference_samples;
  return result;
}

Json confusion(const ConfusionMatrix& matrix) {
  Json rows = Json::array();
  for (int label = 0; label < matrix.classes(); ++label) {
    Json row = Json::array();
    for (int prediction = 0; prediction < matrix.classes(); ++prediction)
      row.push_back(matrix.count(label, prediction));
    rows.push_back(row);
  }
  return rows;
}

}  // namespace

std::string to_json(const Evaluation& evaluation, int indent) {
  Json json;
  Json& inception = json["inception_score"] = score(evaluation, evaluation.inception_score.mean);
  inception["std"] = evaluation.inception_score.std;
  inception["splits"] = evaluation.splits;
  json["fid"] = against_reference(evaluation, evaluation.fid);
  if (const auto& kid = evaluation.kernel_distance) {
    json["kernel_distance"] = against_reference(evaluation, kid->mean);
    json["kernel_distance"]["std"] = kid->std;
  }
  json["generated_classes"] = evaluation.generated_classes;
  if (!evaluation.class_names.empty()) json["class_names"] = evaluation.class_names;
  if (const auto& judged = evaluation.held_back) {
    json["accuracy"] = judged->accuracy();
    json["recall"] = judged->recall();  // NaN, of a class without samples, is written as null
    json["confusion"] = confusion(*judged);
  }
  json["extractor"] = {{"name", evaluation.extractor.name},
                       {"protocol", evaluation.extractor.protocol},
                       {"weights", evaluation.extractor.weights}};
  return json.dump(indent);
}

}  // namespace agon
