#include "app/report_page.h"

namespace agon::app {

const std::string_view report_script = R"js(
'use strict';
const run = JSON.parse(document.getElementById('run').textContent);
const $ = id => document.getElementById(id);
const make = (tag, parent, text, attributes = {}) => {
  const e = document.createElement(tag);
  if (text !== undefined) e.textContent = text;
  for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
  if (parent) parent.append(e);
  return e;
};
const svg = (tag, parent, attributes = {}, text) => {
  const e = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
  if (text !== undefined) e.textContent = text;
  parent.append(e);
  return e;
};
const number = v => {
  if (v === 0) return '0';
  const a = Math.abs(v);
  if (a >= 1e6 || a < 1e-3) return v.toExponential(2);
  return a >= 1000 ? Math.round(v).toLocaleString('en') : String(+v.toPrecision(4));
};
const color = i => `var(--c${i % 6})`;

// Theme: the system's, until the button says otherwise.
$('theme').onclick = () => {
  const dark = document.documentElement.dataset.theme
    ? document.documentElement.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  document.documentElement.dataset.theme = dark ? 'light' : 'dark';
};

// Head.
document.title = `${run.name}: ${run.status}`;
$('name').textContent = run.name;
$('status').textContent = run.status;
if (run.status.startsWith('failed')) $('status').classList.add('failed');
$('about').textContent = run.about;
for (const [label, value] of run.facts) {
  const fact = make('div', $('facts'), undefined, {class: 'fact'});
  make('b', fact, value);
  make('span', fact, label);
}
for (const [label, value] of run.details) {
  make('dt', $('details'), label);
  make('dd', $('details'), value);
}
$('config').textContent = run.config;

// Samples.
if (run.samples.length === 0) $('samples-card').remove();
else {
  const slider = $('slider');
  let timer = null;
  slider.max = run.samples.length - 1;
  const show = () => {
    const sample = run.samples[+slider.value];
    $('sample').src = sample.src;
    $('which').textContent = sample.label;
  };
  const play = () => {
    if (timer) { clearInterval(timer); timer = null; }
    else {
      if (slider.value === slider.max) slider.value = 0;
      show();
      timer = setInterval(() => {
        slider.value = +slider.value + 1;
        show();
        if (slider.value === slider.max) play();
      }, 350);
    }
    $('play').textContent = timer ? '❚❚ pause' : '▶ play';
  };
  slider.oninput = show;
  $('play').onclick = play;
  document.addEventListener('keydown', e => {
    if (e.target.tagName === 'INPUT' || e.target.tagName === 'BUTTON') return;
    if (e.key === 'ArrowLeft' || e.key === 'ArrowRight') {
      slider.value = +slider.value + (e.key === 'ArrowRight' ? 1 : -1);
      show();
    } else if (e.key === ' ') { e.preventDefault(); play(); }
  });
  slider.value = slider.max;
  show();
}

// Evaluation.
if (!run.evaluation) $('evaluation-card').remove();
else {
  const e = run.evaluation;
  $('protocol').textContent = e.caption;
  const total = list => list.reduce((a, b) => a + b, 0) || 1;
  if (e.histogram) {
    const box = make('div', $('evaluation'));
    make('b', box, 'Classes of generated images');
    make('p', box, 'Share of each class by the classifier' + (e.real_histogram ? '; the mark is its share among real images.' : '.'), {class: 'soft'});
    const bars = make('div', box, undefined, {class: 'bars'});
    const n = total(e.histogram), real = e.real_histogram, m = real ? total(real) : 1;
    const top = Math.max(...e.histogram.map(v => v / n), ...(real || []).map(v => v / m), 1e-9);
    e.histogram.forEach((count, i) => {
      make('span', bars, e.classes[i]);
      const bar = make('div', bars);
      make('i', bar, undefined, {style: `width:${100 * count / n / top}%`});
      if (real) make('u', bar, undefined, {style: `left:calc(${100 * real[i] / m / top}% - 1px)`});
      make('span', bars, (100 * count / n).toFixed(1) + ' %');
    });
  }
  if (e.confusion) {
    const box = make('div', $('evaluation'));
    make('b', box, 'Confusion of the classifier');
    make('p', box, 'Held-back real images; rows: true class, columns: as judged, per cent of the row.', {class: 'soft'});
    const table = make('table', box, undefined, {class: 'matrix'});
    const head = make('tr', table);
    make('th', head, '');
    e.classes.forEach(c => make('th', head, c));
    e.confusion.forEach((row, i) => {
      const tr = make('tr', table), n = total(row);
      make('th', tr, e.classes[i]);
      row.forEach((count, j) => {
        const share = count / n;
        const td = make('td', tr, count ? (100 * share).toFixed(share > .9995 || share < .0995 ? (share > .9995 ? 0 : 1) : 0) : '',
          {title: `${e.classes[i]} judged ${e.classes[j]}: ${count}`});
        td.style.background = `rgba(var(--tint), ${i === j ? .12 + .6 * share : Math.min(.9, 4 * share)})`;
      });
    });
  }
}

// Curves.
const kinds = [
  ['loss_', 'Losses', 'What each move minimises.', true],
  ['score_', "The discriminator's verdict", 'Mean output on real and on generated images: apart when it wins, together when it is fooled.'],
  ['fid', 'Fréchet distance', 'Between features of real and generated images; lower is better.'],
  ['inception_score', 'Inception score', 'Sure and diverse classes; higher is better.'],
  ['accuracy', 'Accuracy', 'Of the classifier.'],
  ['grad_norm_', 'Gradient norms', 'Euclidean, of each player.'],
  ['weight_norm_', 'Weight norms', 'Euclidean, of each player.'],
  ['lr', 'Learning rates', ''],
  ['images_per_s', 'Images per second', 'Real images consumed.'],
];
const kindOf = key => kinds.findIndex(k => k[0].endsWith('_') ? key.startsWith(k[0]) : key === k[0] || key.startsWith(k[0] + '_'));
const groups = kinds.map(k => ({title: k[1], note: k[2], wide: k[3], prefix: k[0], keys: []}));
const others = {title: 'Others', note: '', prefix: '', keys: []};
for (const key of Object.keys(run.series)) (groups[kindOf(key)] || others).keys.push(key);
const charts = [...groups, others].filter(g => g.keys.length > 0);

const smooth = (values, weight) => {
  let sum = 0, mass = 0;
  return values.map(v => {
    if (v === null) return null;
    sum = weight * sum + (1 - weight) * v;
    mass = weight * mass + (1 - weight);
    return sum / mass;
  });
};
const ticks = (lo, hi, count) => {
  const rough = (hi - lo) / count || 1, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(m => m * power).find(s => s >= rough);
  const list = [];
  for (let t = Math.ceil(lo / step - 1e-9) * step; t <= hi + step * 1e-9; t += step) list.push(+t.toPrecision(12));
  return list;
};

function draw(chart) {
  const {box, keys, hidden, prefix} = chart, host = chart.svg;
  host.replaceChildren();
  const w = Math.max(280, host.clientWidth || box.clientWidth - 40), h = chart.wide ? 300 : 220;
  const left = 52, right = 14, top = 8, bottom = 26;
  host.setAttribute('viewBox', `0 0 ${w} ${h}`);
  host.style.height = h + 'px';
  const xs = $('by-epoch').checked ? run.epoch : run.step;
  const weight = +$('smoothing').value;
  const lines = keys.map((key, i) => {
    const raw = run.series[key], sparse = raw.filter(v => v !== null).length <= raw.length / 2 || raw.length < 20;
    return {key, i, raw, sparse, bold: sparse ? raw : smooth(raw, weight), off: hidden.has(key)};
  });
  const shown = lines.filter(l => !l.off);
  const values = shown.flatMap(l => l.raw.filter(v => v !== null)).sort((a, b) => a - b);
  if (values.length === 0 || xs.length === 0) return;
  let lo = values[0], hi = values[values.length - 1];
  // A few spikes of the raw values must not flatten the rest.
  const q = p => values[Math.min(values.length - 1, Math.floor(p * values.length))];
  if (values.length > 200) {
    const span = q(.99) - q(.01) || 1;
    lo = Math.max(lo, q(.01) - .25 * span);
    hi = Math.min(hi, q(.99) + .25 * span);
  }
  const log = lo > 0 && hi / lo > 50 && /^(grad_norm|fid|weight_norm)/.test(prefix);
  if (log) { lo = Math.log10(lo); hi = Math.log10(hi); }
  if (hi === lo) { hi += Math.abs(hi) * .1 || 1; lo -= Math.abs(lo) * .1 || 1; }
  const pad = (hi - lo) * .05;
  lo -= pad; hi += pad;
  const x0 = Math.min(xs[0], 0), x1 = xs[xs.length - 1] || 1;
  const X = v => left + (v - x0) / (x1 - x0 || 1) * (w - left - right);
  const Y = v => top + (hi - (log ? Math.log10(v) : v)) / (hi - lo) * (h - top - bottom);
  const decades = Array.from({length: 40}, (_, i) => 10 ** (i - 20));
  const fine = hi - lo < 2.2 ? [1, 2, 5] : [1];
  const marks = log ? decades.flatMap(d => fine.map(m => m * d)).filter(t => Math.log10(t) >= lo && Math.log10(t) <= hi)
    : ticks(lo, hi, 5);
  for (const t of marks) {
    svg('line', host, {x1: left, x2: w - right, y1: Y(t), y2: Y(t), class: 'grid'});
    svg('text', host, {x: left - 8, y: Y(t) + 4, 'text-anchor': 'end'}, number(+t.toPrecision(3)));
  }
  for (const t of ticks(x0, x1, Math.max(3, Math.floor(w / 110))))
    svg('text', host, {x: X(t), y: h - 8, 'text-anchor': X(t) > w - 40 ? 'end' : 'middle'}, number(t));
  const clip = 'clip' + chart.id;
  svg('rect', svg('clipPath', svg('defs', host), {id: clip}), {x: left, y: top - 2, width: w - left - right + 4, height: h - top - bottom + 4});
  const path = (list, attributes) => {
    let d = '', pen = 'M';
    list.forEach((v, i) => { if (v !== null) { d += `${pen}${X(xs[i]).toFixed(1)} ${Y(v).toFixed(1)}`; pen = 'L'; } });
    svg('path', host, {d, fill: 'none', 'stroke-linejoin': 'round', 'clip-path': `url(#${clip})`, ...attributes});
  };
  for (const l of shown) {
    if (!l.sparse && weight > 0) path(l.raw, {stroke: color(l.i), 'stroke-width': 1, opacity: .22});
    path(l.bold, {stroke: color(l.i), 'stroke-width': 2});
    if (l.sparse) l.raw.forEach((v, i) => {
      if (v !== null) svg('circle', host, {cx: X(xs[i]), cy: Y(v), r: 3, fill: color(l.i)});
    });
  }
  const cross = svg('line', host, {y1: top, y2: h - bottom, class: 'cross', visibility: 'hidden'});
  host.onpointerleave = () => { chart.tip.style.display = 'none'; cross.setAttribute('visibility', 'hidden'); };
  host.onpointermove = event => {
    const bounds = host.getBoundingClientRect(), at = event.clientX - bounds.left;
    let best = -1, far = Infinity;
    xs.forEach((x, i) => {
      const d = Math.abs(X(x) - at);
      if (d < far && shown.some(l => l.raw[i] !== null)) { far = d; best = i; }
    });
    if (best < 0) return;
    cross.setAttribute('x1', X(xs[best]));
    cross.setAttribute('x2', X(xs[best]));
    cross.setAttribute('visibility', 'visible');
    chart.tip.replaceChildren();
    make('div', chart.tip, `step ${run.step[best].toLocaleString('en')} · epoch ${+run.epoch[best].toFixed(2)}`);
    for (const l of shown) if (l.raw[best] !== null) {
      const line = make('div', chart.tip);
      make('i', line, undefined, {style: `background:${color(l.i)}`});
      line.append(`${l.key}: ${number(l.raw[best])}` + (l.sparse ? '' : `  (smoothed ${number(l.bold[best])})`));
    }
    chart.tip.style.display = 'block';
    const space = box.clientWidth - chart.tip.offsetWidth - 12;
    chart.tip.style.left = Math.max(8, Math.min(space, at + 34)) + 'px';
    chart.tip.style.top = host.offsetTop + 10 + 'px';
  };
}

charts.forEach((chart, id) => {
  chart.id = id;
  chart.hidden = new Set();
  chart.box = make('div', $('charts'), undefined, {class: chart.wide ? 'card wide' : 'card'});
  make('h2', chart.box, chart.title);
  make('p', chart.box, chart.note, {class: 'soft'});
  chart.svg = svg('svg', chart.box, {class: 'chart'});
  chart.tip = make('div', chart.box, undefined, {class: 'tip'});
  const legend = make('div', chart.box, undefined, {class: 'legend'});
  chart.keys.forEach((key, i) => {
    const label = make('label', legend);
    make('i', label, undefined, {style: `background:${color(i)}`});
    make('span', label, key);
    label.onclick = () => {
      chart.hidden.has(key) ? chart.hidden.delete(key) : chart.hidden.add(key);
      label.classList.toggle('off');
      draw(chart);
    };
  });
});
const redraw = () => charts.forEach(draw);
$('smoothing').oninput = redraw;
$('by-epoch').onchange = redraw;
addEventListener('resize', redraw);
redraw();
)js";

}  // namespace agon::app
