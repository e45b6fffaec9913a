// Pictures on canvases.

var BANDS = [{name: 'all', lo: 40, hi: 20000, style: 'ink'}, {name: '250 Hz', lo: 177, hi: 354, style: 'r1'},
             {name: '1 kHz', lo: 707, hi: 1414, style: 'r0'}, {name: '4 kHz', lo: 2828, hi: 5657, style: 'r2'}];
function colour(name) { return getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim(); }

/// A canvas at the screen's own resolution.
function context_of(id) {
  var canvas = $(id), scale = window.devicePixelRatio || 1, box = canvas.getBoundingClientRect();
  canvas.width = Math.max(1, Math.round(box.width * scale)); canvas.height = Math.max(1, Math.round(box.height * scale));
  var c = canvas.getContext('2d');
  c.setTransform(scale, 0, 0, scale, 0, 0);
  c.clearRect(0, 0, box.width, box.height);
  c.font = '12px system-ui, "DejaVu Sans", sans-serif';
  return {c: c, w: box.width, h: box.height, l: 44, r: box.width - 10, t: 8, b: box.height - 34};
}

function nice_step(range, count) {
  var raw = range / count, p = Math.pow(10, Math.floor(Math.log10(raw))), m = raw / p;
  return p * (m <= 1 ? 1 : m <= 2 ? 2 : m <= 5 ? 5 : 10);
}

function text(g, string, x, y, align, name) {
  g.c.fillStyle = colour(name || 'soft'); g.c.textAlign = align || 'center'; g.c.fillText(string, x, y);
}

function time_axis(g, seconds) {
  var step = nice_step(seconds, Math.max(2, g.w / 90));
  for (var t = 0; t <= seconds * 1.0001; t += step) {
    var x = g.l + t / seconds * (g.r - g.l);
    g.c.fillStyle = colour('axis'); g.c.fillRect(x, g.b, 1, 4);
    text(g, String(+t.toFixed(3)), x, g.b + 16);
  }
  text(g, 'Time, s', (g.l + g.r) / 2, g.h - 4);
}

function draw_decay(frames, hop_s, seconds) {
  var g = context_of('decay'), low_db = -70;
  var x = function (t) { return g.l + t / seconds * (g.r - g.l); }, y = function (db) { return g.t + db / low_db * (g.b - g.t); };
  for (var db = 0; db >= low_db; db -= 10) {
    g.c.fillStyle = colour('grid'); g.c.fillRect(g.l, y(db), g.r - g.l, 1);
    if (db % 20 === 0) text(g, String(db).replace('-', '−'), g.l - 6, y(db) + 4, 'right');
  }
  time_axis(g, seconds);
  g.c.save(); g.c.beginPath(); g.c.rect(g.l, g.t, g.r - g.l, g.b - g.t); g.c.clip();
  BANDS.forEach(function (band) {
    [1, 0].forEach(function (ear) {
      if (ear === 1 && band.name !== 'all') return;
      var curve = decay_of(frames[ear], band.lo, band.hi);
      g.c.strokeStyle = colour(band.style); g.c.lineWidth = band.name === 'all' ? 2.6 : 1.6;
      g.c.setLineDash(ear === 1 ? [6, 5] : []);
      g.c.beginPath();
      curve.forEach(function (db, i) { g.c.lineTo(x(i * hop_s), y(db)); });
      g.c.stroke();
    });
  });
  g.c.restore();
}

function draw_spectrogram(id, frames, hop_s, seconds, top) {
  var g = context_of(id), lo_hz = 60, hi_hz = Math.min(20000, BANK.rate / 2), rows = 120, columns = frames.length;
  var image = document.createElement('canvas'); image.width = columns; image.height = rows;
  var c = image.getContext('2d'), pixels = c.createImageData(columns, rows), bin_hz = audio.sampleRate / FFT;
  for (var row = 0; row < rows; ++row) {
    var from = hi_hz * Math.pow(lo_hz / hi_hz, (row + 1) / rows) / bin_hz, to = hi_hz * Math.pow(lo_hz / hi_hz, row / rows) / bin_hz;
    var first = Math.max(1, Math.round(from)), last = Math.max(first, Math.round(to) - 1);
    for (var f = 0; f < columns; ++f) {
      var sum = 0;
      for (var k = first; k <= last; ++k) sum += frames[f][k];
      var db = 10 * Math.log10((sum / (last - first + 1) + 1e-30) / top);
      var index = Math.round(255 * Math.min(1, Math.max(0, 1 + db / 80))), p = 4 * (row * columns + f);
      pixels.data[p] = BANK.palette[3 * index]; pixels.data[p + 1] = BANK.palette[3 * index + 1]; pixels.data[p + 2] = BANK.palette[3 * index + 2]; pixels.data[p + 3] = 255;
    }
  }
  c.putImageData(pixels, 0, 0);
  g.c.imageSmoothingEnabled = true;
  g.c.drawImage(image, g.l, g.t, (g.r - g.l) * Math.min(1, columns * hop_s / seconds), g.b - g.t);
  [125, 500, 2000, 8000].forEach(function (hz) {
    if (hz > hi_hz) return;
    var y = g.t + Math.log(hi_hz / hz) / Math.log(hi_hz / lo_hz) * (g.b - g.t);
    text(g, hz >= 1000 ? hz / 1000 + 'k' : String(hz), g.l - 6, y + 4, 'right');
  });
  time_axis(g, seconds);
}

function largest(frames) {
  var out = 1e-20;
  frames.forEach(function (frame) { for (var k = 1; k < frame.length; ++k) if (frame[k] > out) out = frame[k]; });
  return out;
}

function show_seconds(t) { return isFinite(t) && t > 0 ? t.toFixed(2) + ' s' : '—'; }

function draw(pair) {
  var length = Math.max(pair[0].length, pair[1].length), hop = Math.max(192, Math.round(length / 420)), hop_s = hop / audio.sampleRate;
  var frames = spectra(pair[0], pair[1], hop), seconds = length / audio.sampleRate;
  draw_decay(frames, hop_s, seconds);
  var top = Math.max(largest(frames[0]), largest(frames[1]));
  draw_spectrogram('picture-left', frames[0], hop_s, seconds, top);
  draw_spectrogram('picture-right', frames[1], hop_s, seconds, top);
  var t = function (band, ear) { return show_seconds(t20_of(decay_of(frames[ear], band.lo, band.hi), hop_s)); };
  $('figures').innerHTML = BANDS.map(function (band) { return '<tr><td>' + band.name + '</td><td>' + t(band, 0) + '</td><td>' + t(band, 1) + '</td></tr>'; }).join('');
  $('coherence').textContent = coherence(pair).toFixed(2);
  draw_map();
}

/// Decay time over x and y, at the z that is chosen; click and drag to go there.
function map_range() {
  var values = BANK.t_s.filter(function (t) { return t > 0; });
  return values.length ? [Math.min.apply(null, values), Math.max.apply(null, values)] : [0.1, 1];
}
var T_RANGE = map_range();
function draw_map() {
  var g = context_of('map'), k = Math.round(grid_place(2, state.point[2])), w = (g.r - g.l) / SIZES[0], h = (g.b - g.t) / SIZES[1];
  for (var i = 0; i < SIZES[0]; ++i) {
    for (var j = 0; j < SIZES[1]; ++j) {
      var t = at(BANK.t_s, i, j, k), share = t > 0 ? Math.log(t / T_RANGE[0]) / Math.log(T_RANGE[1] / T_RANGE[0] + 1e-9) : 0;
      var p = 3 * Math.round(255 * Math.min(1, Math.max(0, share)));
      g.c.fillStyle = t > 0 ? 'rgb(' + BANK.palette[p] + ',' + BANK.palette[p + 1] + ',' + BANK.palette[p + 2] + ')' : colour('line');
      g.c.fillRect(g.l + i * w, g.b - (j + 1) * h, w + 0.5, h + 0.5);
    }
  }
  var mark = function (point, label) {
    var x = g.l + (grid_place(0, point[0]) + 0.5) * w, y = g.b - (grid_place(1, point[1]) + 0.5) * h;
    g.c.beginPath(); g.c.arc(x, y, 7, 0, 7); g.c.lineWidth = 4; g.c.strokeStyle = '#000'; g.c.stroke(); g.c.lineWidth = 2; g.c.strokeStyle = '#fff'; g.c.stroke();
    if (label) { g.c.font = 'bold 12px system-ui, sans-serif'; g.c.lineWidth = 3; g.c.textAlign = 'left'; g.c.strokeStyle = '#000'; g.c.strokeText(label, x + 10, y + 4); g.c.fillStyle = '#fff'; g.c.fillText(label, x + 10, y + 4); }
  };
  if (state.width > 0) mark(right_point(), 'right');
  mark(state.point, state.width > 0 ? 'left' : '');
  g.c.font = '12px system-ui, "DejaVu Sans", sans-serif';
  [0, 1].forEach(function (a) {
    var axis = BANK.axes[a], ends = SIZES[a] > 1 ? [0, SIZES[a] - 1] : [0];
    ends.forEach(function (e) {
      var label = String(+axis[e].toFixed(2)).replace('-', '−');
      if (a === 0) text(g, label, g.l + (e + 0.5) * w, g.b + 16); else text(g, label, g.l - 6, g.b - (e + 0.5) * h + 4, 'right');
    });
  });
  text(g, 'x', (g.l + g.r) / 2, g.b + 16); text(g, 'y', g.l - 10, (g.t + g.b) / 2 + 4, 'right');
  draw_scale();
  $('map-low').textContent = T_RANGE[0].toFixed(2) + ' s'; $('map-high').textContent = T_RANGE[1].toFixed(2) + ' s';
}

function draw_scale() {
  var canvas = $('map-scale'), c = canvas.getContext('2d');
  canvas.width = 256; canvas.height = 1;
  for (var i = 0; i < 256; ++i) {
    c.fillStyle = 'rgb(' + BANK.palette[3 * i] + ',' + BANK.palette[3 * i + 1] + ',' + BANK.palette[3 * i + 2] + ')';
    c.fillRect(i, 0, 1, 1);
  }
}
