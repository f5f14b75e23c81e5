#include "app/report_page.h"

namespace agon::app {

const std::string_view report_body = R"html(
<main>
<header>
  <div><h1><span id="name"></span><span id="status" class="badge"></span></h1><p id="about" class="soft"></p></div>
  <button id="theme" title="light or dark">◐ theme</button>
</header>
<section class="facts" id="facts"></section>
<section class="card" id="samples-card">
  <h2>Samples</h2>
  <p class="soft">The same noise through the generator of every epoch. Arrow keys step, space plays.</p>
  <div class="samples">
    <img id="sample" alt="grid of generated images">
    <div class="controls">
      <button id="play">▶ play</button>
      <input id="slider" type="range" min="0" value="0" aria-label="epoch">
      <output id="which"></output>
    </div>
  </div>
</section>
<section class="card" id="evaluation-card">
  <h2>Evaluation</h2>
  <p class="soft" id="protocol"></p>
  <div class="evaluation" id="evaluation"></div>
</section>
<section class="card">
  <div class="row">
    <h2>Curves</h2>
    <label class="soft">smoothing <input id="smoothing" type="range" min="0" max="0.99" step="0.01" value="0.9"></label>
    <label class="soft"><input id="by-epoch" type="checkbox"> by epoch</label>
  </div>
  <p class="soft">Faint: as logged. Bold: exponential moving average. Point for values, click a name to hide it.</p>
</section>
<section class="charts" id="charts"></section>
<section class="card"><h2>Run</h2><dl id="details"></dl></section>
<section class="card"><details><summary>config.toml</summary><pre id="config"></pre></details></section>
</main>
)html";

}  // namespace agon::app
