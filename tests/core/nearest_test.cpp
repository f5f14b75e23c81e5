#include "core/nearest.h"

#include "catch.h"

using namespace agon;

// Were the distance wrong, a mistyped preset or key would be answered with a misleading suggestion.
TEST_CASE("the nearest name is found by edits, and only when it is near") {
  const std::vector<std::string> names{"dcgan-mnist", "dcgan-glyphs", "wgan", "wgan-gp", "sngan"};
  CHECK(nearest("dcgan-minst", names) == "dcgan-mnist");
  CHECK(nearest("DCGAN-GLYPH", names) == "dcgan-glyphs");
  CHECK(nearest("wgan", names) == "wgan");
  CHECK(nearest("wgangp", names) == "wgan-gp");
  CHECK(nearest("transformer", names).empty());
  CHECK(nearest("", names).empty());
  CHECK(nearest("x", std::vector<std::string>{"y"}).empty());
}

// Were the tail of the message wrong, the user would not learn which names exist.
TEST_CASE("a suggestion names the nearest candidate or lists all") {
  const std::vector<std::string> names{"mnist", "folder"};
  CHECK(suggestion("mnits", names) == " (did you mean 'mnist'?)");
  CHECK(suggestion("spreadsheet", names) == " (known: mnist, folder)");
}
