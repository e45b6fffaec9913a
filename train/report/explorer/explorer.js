// The explorer of a response bank. Everything is in this folder: the page works from a disk, without a server.
// BANK is set by the page: rate, axes, format, seconds, gain_db, t_s, palette, dry, dry_name.
(function () {
'use strict';
var $ = function (id) { return document.getElementById(id); };
var NAMES = ['x', 'y', 'z'];
var SIZES = BANK.axes.map(function (a) { return a.length; });
var FADE_S = 0.12;
var CACHE = 96;  // decoded points that are kept

/* ---- sounds of the bank ---- */

var chunks = {}, waiting = {}, decoded = new Map();
var audio = new (window.AudioContext || window.webkitAudioContext)();

function bytes_of(base64) {
  var text = atob(base64), out = new Uint8Array(text.length);
  for (var i = 0; i < text.length; ++i) out[i] = text.charCodeAt(i);
  return out.buffer;
}

// A page from a disk may not fetch, but it may load a script: sounds/<x>_<y>.js calls this with the points along z.
window.diffverb_sounds = function (name, points) { chunks[name] = points; };

function chunk(name) {
  if (chunks[name]) return Promise.resolve(chunks[name]);
  if (!waiting[name]) {
    waiting[name] = new Promise(function (resolve, reject) {
      var script = document.createElement('script');
      script.src = 'sounds/' + name + '.js';
      script.onload = function () {
        delete waiting[name];
        if (chunks[name]) resolve(chunks[name]); else reject(new Error(script.src + ' holds no sounds'));
      };
      script.onerror = function () {
        delete waiting[name];
        reject(new Error('sounds/' + name + '.js is missing: keep the folder "sounds" beside this page'));
      };
      document.head.appendChild(script);
    });
  }
  return waiting[name];
}

// Older browsers know decodeAudioData with callbacks alone.
function decode(buffer) {
  return new Promise(function (resolve, reject) {
    var made = audio.decodeAudioData(buffer, resolve, reject);
    if (made && made.catch) made.catch(reject);
  });
}

/// Left and right response of a point of the grid, at the browser's rate, of unit energy at the bank's.
function grid_point(i, j, k) {
  var key = i + '_' + j + '_' + k;
  if (decoded.has(key)) {
    var found = decoded.get(key);
    decoded.delete(key);  // the most recent one stands last
    decoded.set(key, found);
    return found;
  }
  var made = chunk(i + '_' + j).then(function (points) { return decode(bytes_of(points[k])); }).then(function (sound) {
    var gain = Math.pow(10, at(BANK.gain_db, i, j, k) / 20) * BANK.rate / sound.sampleRate;
    return [0, 1].map(function (c) {
      var from = sound.getChannelData(Math.min(c, sound.numberOfChannels - 1)), to = new Float32Array(from.length);
      for (var n = 0; n < from.length; ++n) to[n] = gain * from[n];
      return to;
    });
  });
  made.catch(function () { decoded.delete(key); });
  decoded.set(key, made);
  if (decoded.size > CACHE) decoded.delete(decoded.keys().next().value);
  return made;
}

function at(table, i, j, k) { return table[(i * SIZES[1] + j) * SIZES[2] + k]; }

/// A latent value in steps of the grid.
function grid_place(axis, value) {
  var a = BANK.axes[axis];
  if (a.length === 1) return 0;
  var k = 0;
  while (k < a.length - 2 && value > a[k + 1]) ++k;
  return Math.min(a.length - 1, Math.max(0, k + (value - a[k]) / (a[k + 1] - a[k])));
}

/// One channel between grid points: the neighbours' sum by weight, with the energy of uncorrelated noise kept.
function response_at(place, channel) {
  var low = place.map(function (p, a) { return Math.min(Math.floor(p), Math.max(0, SIZES[a] - 2)); });
  var part = place.map(function (p, a) { return p - low[a]; });
  var corners = [], power = 0;
  for (var corner = 0; corner < 8; ++corner) {
    var weight = 1;
    for (var a = 0; a < 3; ++a) weight *= (corner >> a & 1) ? part[a] : 1 - part[a];
    if (weight < 1e-4) continue;
    corners.push({weight: weight, i: low[0] + (corner & 1), j: low[1] + (corner >> 1 & 1), k: low[2] + (corner >> 2 & 1)});
    power += weight * weight;
  }
  return Promise.all(corners.map(function (c) { return grid_point(c.i, c.j, c.k); })).then(function (sounds) {
    var length = Math.max.apply(null, sounds.map(function (s) { return s[channel].length; })), out = new Float32Array(length);
    sounds.forEach(function (sound, c) {
      var gain = corners[c].weight / Math.sqrt(power), from = sound[channel];
      for (var n = 0; n < from.length; ++n) out[n] += gain * from[n];
    });
    return out;
  });
}

/* ---- what is chosen ---- */

var state = {point: BANK.axes.map(function (a) { return 0.5 * (a[0] + a[a.length - 1]); }), width: 0, ears: 'stereo', wet: 0.5, volume: 0.7};
var DIRECTION = [1, -1, 1];  // of the right ear's point, seen from the left ear's

/// The second point, `width` away: folded back where it would leave the box.
function right_point() {
  var moving = DIRECTION.map(function (d, a) { return SIZES[a] > 1 ? d : 0; });
  var norm = Math.sqrt(moving.reduce(function (s, d) { return s + d * d; }, 0)) || 1;
  return state.point.map(function (value, a) {
    var lo = BANK.axes[a][0], hi = BANK.axes[a][SIZES[a] - 1], to = value + state.width * moving[a] / norm;
    return to > hi ? Math.max(lo, 2 * hi - to) : to < lo ? Math.min(hi, 2 * lo - to) : to;
  });
}

function chosen_response() {
  var left = state.point.map(function (v, a) { return grid_place(a, v); });
  var right = right_point().map(function (v, a) { return grid_place(a, v); });
  return Promise.all([response_at(left, 0), response_at(right, 1)]);
}

/* ---- playing ---- */

var input = audio.createGain(), dry_gain = audio.createGain(), wet_gain = audio.createGain(), master = audio.createGain();
var limiter = audio.createDynamicsCompressor();
limiter.threshold.value = -4; limiter.knee.value = 3; limiter.ratio.value = 20; limiter.attack.value = 0.002; limiter.release.value = 0.15;
input.connect(dry_gain); dry_gain.connect(master); wet_gain.connect(master); master.connect(limiter); limiter.connect(audio.destination);
var source = null, source_gain = null, dry_sound = null, playing_convolver = null;

function set_levels() {
  dry_gain.gain.setTargetAtTime(Math.cos(0.5 * Math.PI * state.wet), audio.currentTime, 0.02);
  wet_gain.gain.setTargetAtTime(Math.sin(0.5 * Math.PI * state.wet), audio.currentTime, 0.02);
  master.gain.setTargetAtTime(state.volume * state.volume, audio.currentTime, 0.02);
}

function buffer_of(pair, ears) {
  var left = ears === 'right' ? pair[1] : pair[0], right = ears === 'left' ? pair[0] : pair[1];
  var buffer = audio.createBuffer(2, Math.max(left.length, right.length), audio.sampleRate);
  buffer.getChannelData(0).set(left);
  buffer.getChannelData(1).set(right);
  return buffer;
}

/// From the response that plays to another one, both sounding for FADE_S.
function crossfade(pair) {
  var convolver = audio.createConvolver(), gain = audio.createGain(), now = audio.currentTime, old = playing_convolver;
  convolver.normalize = false;  // the bank's responses are of equal energy
  convolver.buffer = buffer_of(pair, state.ears);
  gain.gain.setValueAtTime(old ? 0 : 1, now);
  if (old) gain.gain.linearRampToValueAtTime(1, now + FADE_S);
  input.connect(convolver); convolver.connect(gain); gain.connect(wet_gain);
  playing_convolver = {convolver: convolver, gain: gain};
  if (!old) return;
  old.gain.gain.cancelScheduledValues(now);
  old.gain.gain.setValueAtTime(1, now);
  old.gain.gain.linearRampToValueAtTime(0, now + FADE_S);
  setTimeout(function () { input.disconnect(old.convolver); old.convolver.disconnect(); old.gain.disconnect(); }, 1000 * FADE_S + 80);
}

// One change at a time; of those asked for meanwhile the last one counts.
var busy = false, again = false, shown = null;
function update() {
  if (busy) { again = true; return Promise.resolve(); }
  busy = true; again = false;
  var loading = setTimeout(function () { $('status').textContent = 'loading …'; }, 150);
  return chosen_response().then(function (pair) {
    shown = pair;
    crossfade(pair);
    draw(pair);
    $('status').textContent = '';
  }).catch(function (error) { $('status').textContent = String(error && error.message || error); }).then(function () {
    clearTimeout(loading);
    return new Promise(function (resolve) { setTimeout(resolve, 1000 * FADE_S + 20); });
  }).then(function () { busy = false; if (again) return update(); });
}

function play() {
  if (!dry_sound) return;
  audio.resume();
  source = audio.createBufferSource();
  source_gain = audio.createGain();
  source.buffer = dry_sound; source.loop = $('loop').checked;
  source.connect(source_gain); source_gain.connect(input);
  source.onended = function () { if (this === source) { source = null; show_playing(); } };
  source.start();
  show_playing();
}

function stop() {
  if (!source) return;
  var old = source, gain = source_gain, now = audio.currentTime;
  source = null;
  gain.gain.setValueAtTime(1, now);
  gain.gain.linearRampToValueAtTime(0, now + 0.03);
  old.stop(now + 0.04);
  show_playing();
}

function show_playing() {
  $('play').textContent = source ? 'Stop' : 'Play';
  $('play').setAttribute('aria-pressed', String(!!source));
}

/// A rest at its end, so that a loop lets the room be heard.
function with_rest(sound, rest_s) {
  var out = audio.createBuffer(sound.numberOfChannels, sound.length + Math.round(rest_s * sound.sampleRate), sound.sampleRate);
  for (var c = 0; c < sound.numberOfChannels; ++c) out.getChannelData(c).set(sound.getChannelData(c));
  return out;
}

function use_dry(sound, name) {
  var was_playing = !!source;
  stop();
  dry_sound = with_rest(sound, 1.2);
  $('dry-name').textContent = name;
  if (was_playing) play();
}

/* ---- analysis ---- */

var FFT = 2048, cosines = new Float64Array(FFT / 2), sines = new Float64Array(FFT / 2), hann = new Float64Array(FFT), flips = new Uint16Array(FFT);
for (var n = 0; n < FFT; ++n) {
  hann[n] = 0.5 - 0.5 * Math.cos(2 * Math.PI * n / FFT);
  if (n < FFT / 2) { cosines[n] = Math.cos(2 * Math.PI * n / FFT); sines[n] = -Math.sin(2 * Math.PI * n / FFT); }
  for (var bit = 0; bit < 11; ++bit) if (n >> bit & 1) flips[n] |= 1 << (10 - bit);
}

function transform(re, im) {
  for (var i = 0; i < FFT; ++i) {
    var f = flips[i];
    if (f > i) { var t = re[i]; re[i] = re[f]; re[f] = t; t = im[i]; im[i] = im[f]; im[f] = t; }
  }
  for (var size = 2; size <= FFT; size *= 2) {
    var half = size / 2, step = FFT / size;
    for (var begin = 0; begin < FFT; begin += size) {
      for (var k = 0; k < half; ++k) {
        var c = cosines[k * step], s = sines[k * step], a = begin + k, b = a + half;
        var xr = re[b] * c - im[b] * s, xi = re[b] * s + im[b] * c;
        re[b] = re[a] - xr; im[b] = im[a] - xi; re[a] += xr; im[a] += xi;
      }
    }
  }
}

/// Power spectra of two channels at once, one as the real and one as the imaginary part: [frames][FFT / 2 + 1] each.
function spectra(left, right, hop) {
  var length = Math.max(left.length, right.length), frames = Math.ceil(length / hop), out = [[], []];
  var re = new Float64Array(FFT), im = new Float64Array(FFT);
  for (var f = 0; f < frames; ++f) {
    for (var n = 0; n < FFT; ++n) {
      var p = f * hop - FFT / 2 + n, inside = p >= 0;
      re[n] = inside && p < left.length ? hann[n] * left[p] : 0;
      im[n] = inside && p < right.length ? hann[n] * right[p] : 0;
    }
    transform(re, im);
    var l = new Float32Array(FFT / 2 + 1), r = new Float32Array(FFT / 2 + 1);
    for (var k = 0; k <= FFT / 2; ++k) {
      var m = (FFT - k) % FFT, ar = re[k] + re[m], ai = im[k] - im[m], br = im[k] + im[m], bi = re[m] - re[k];
      l[k] = 0.25 * (ar * ar + ai * ai); r[k] = 0.25 * (br * br + bi * bi);
    }
    out[0].push(l); out[1].push(r);
  }
  return out;
}

/// Energy that a response would still have had after its end, by the line through its second half in dB.
function beyond_end(power) {
  var first = Math.floor(power.length / 2), n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
  for (var f = first; f < power.length; ++f) { var db = 10 * Math.log10(power[f] + 1e-30); ++n; sx += f; sy += db; sxx += f * f; sxy += f * db; }
  var slope = (n * sxy - sx * sy) / (n * sxx - sx * sx);
  if (!(slope < 0)) return 0;
  return Math.pow(10, ((sy - slope * sx) / n + slope * power.length) / 10) / (-slope * Math.LN10 / 10);
}

/// Energy still to come, in dB, over the frames, between two frequencies.
function decay_of(frames, lo_hz, hi_hz) {
  var bin_hz = audio.sampleRate / FFT, from = Math.max(1, Math.round(lo_hz / bin_hz)), to = Math.min(FFT / 2, Math.max(from, Math.round(hi_hz / bin_hz) - 1));
  var power = frames.map(function (frame) { var sum = 0; for (var k = from; k <= to; ++k) sum += frame[k]; return sum; });
  var left = new Float64Array(frames.length + 1);
  left[frames.length] = beyond_end(power);
  for (var f = frames.length - 1; f >= 0; --f) left[f] = left[f + 1] + power[f];
  return Array.prototype.slice.call(left, 0, frames.length).map(function (e) { return 10 * Math.log10((e + 1e-30) / (left[0] + 1e-30)); });
}

/// Reverberation time from the line through -5 to -25 dB.
function t20_of(curve, step_s) {
  var sx = 0, sy = 0, sxx = 0, sxy = 0, count = 0;
  curve.forEach(function (db, i) {
    if (db > -5 || db < -25) return;
    var t = i * step_s; ++count; sx += t; sy += db; sxx += t * t; sxy += t * db;
  });
  if (count < 3) return NaN;
  return -60 / ((count * sxy - sx * sy) / (count * sxx - sx * sx));
}

/// |correlation| of both ears.
function coherence(pair) {
  var ll = 0, rr = 0, lr = 0, length = Math.min(pair[0].length, pair[1].length);
  for (var n = 0; n < length; ++n) { var l = pair[0][n], r = pair[1][n]; ll += l * l; rr += r * r; lr += l * r; }
  return Math.abs(lr) / Math.sqrt(ll * rr + 1e-30);
}

/* ---- drawing ---- */

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

/* ---- controls ---- */

function minus(number) { return String(number).replace('-', '−'); }

function show_state() {
  NAMES.forEach(function (name, a) {
    $(name).value = state.point[a];
    $(name + '-value').textContent = minus(state.point[a].toFixed(2));
  });
  $('width').value = state.width;
  $('width-value').textContent = state.width === 0 ? 'bank’s own' : state.width.toFixed(2);
  $('wet').value = state.wet; $('wet-value').textContent = Math.round(100 * state.wet) + ' %';
  $('volume').value = state.volume; $('volume-value').textContent = Math.round(100 * state.volume) + ' %';
  ['stereo', 'left', 'right'].forEach(function (ears) { $('ears-' + ears).setAttribute('aria-pressed', String(state.ears === ears)); });
  var steps = state.point.map(function (v, a) { return +grid_place(a, v).toFixed(2); });
  $('command').textContent = 'diffverb-render ' + BANK.file + ' --bank ' + steps.join(',') + ' --in dry.wav --out wet.wav';
  try { history.replaceState(null, '', '#' + state.point.map(function (v) { return v.toFixed(3); }).join(',') + ',' + state.width.toFixed(2)); } catch (e) { /* a page from a disk in some browsers */ }
}

function changed() { show_state(); draw_map(); return update(); }

function read_address() {
  var numbers = location.hash.slice(1).split(',').map(Number);
  if (numbers.length < 3 || numbers.some(isNaN)) return;
  state.point = state.point.map(function (v, a) { return Math.min(BANK.axes[a][SIZES[a] - 1], Math.max(BANK.axes[a][0], numbers[a])); });
  if (numbers.length > 3) state.width = Math.min(+$('width').max, Math.max(0, numbers[3]));
}

NAMES.forEach(function (name, a) {
  var slider = $(name), axis = BANK.axes[a];
  slider.min = axis[0]; slider.max = axis[axis.length - 1]; slider.step = 'any';
  slider.disabled = axis.length === 1;
  slider.addEventListener('input', function () { state.point[a] = +slider.value; changed(); });
});
(function () {
  var spans = BANK.axes.map(function (a) { return a[a.length - 1] - a[0]; });
  $('width').max = Math.max(0.001, 0.5 * Math.max.apply(null, spans)).toFixed(3);
})();
$('width').addEventListener('input', function () { state.width = +this.value; changed(); });
$('wet').addEventListener('input', function () { state.wet = +this.value; show_state(); set_levels(); });
$('volume').addEventListener('input', function () { state.volume = +this.value; show_state(); set_levels(); });
['stereo', 'left', 'right'].forEach(function (ears) { $('ears-' + ears).addEventListener('click', function () { state.ears = ears; changed(); }); });
$('play').addEventListener('click', function () { if (source) stop(); else play(); });
$('loop').addEventListener('change', function () { if (source) source.loop = this.checked; });
$('random').addEventListener('click', function () {
  state.point = BANK.axes.map(function (a) { return a[0] + Math.random() * (a[a.length - 1] - a[0]); });
  changed();
});
$('file').addEventListener('change', function () {
  var file = this.files[0];
  if (!file) return;
  var reader = new FileReader();
  reader.onload = function () {
    decode(reader.result).then(function (sound) { use_dry(sound, file.name); $('status').textContent = ''; },
                               function () { $('status').textContent = file.name + ': this browser cannot decode it'; });
  };
  reader.readAsArrayBuffer(file);
});
$('own').addEventListener('click', load_own);

function load_own() {
  return decode(bytes_of(BANK.dry)).then(function (sound) { use_dry(sound, BANK.dry_name); });
}

/// What is heard now as a WAV file, 32-bit float, at the browser's rate.
function wav_of(pair) {
  var frames = Math.max(pair[0].length, pair[1].length), view = new DataView(new ArrayBuffer(44 + 8 * frames));
  var tag = function (at, word) { for (var i = 0; i < 4; ++i) view.setUint8(at + i, word.charCodeAt(i)); };
  tag(0, 'RIFF'); view.setUint32(4, 36 + 8 * frames, true); tag(8, 'WAVE'); tag(12, 'fmt '); view.setUint32(16, 16, true);
  view.setUint16(20, 3, true); view.setUint16(22, 2, true); view.setUint32(24, audio.sampleRate, true);
  view.setUint32(28, audio.sampleRate * 8, true); view.setUint16(32, 8, true); view.setUint16(34, 32, true);
  tag(36, 'data'); view.setUint32(40, 8 * frames, true);
  for (var n = 0; n < frames; ++n) for (var c = 0; c < 2; ++c) view.setFloat32(44 + 8 * n + 4 * c, pair[c][n] || 0, true);
  return new Blob([view.buffer], {type: 'audio/wav'});
}
$('save').addEventListener('click', function () {
  if (!shown) return;
  var link = document.createElement('a');
  link.href = URL.createObjectURL(wav_of(shown));
  link.download = 'room_' + state.point.map(function (v) { return v.toFixed(2); }).join('_') + '.wav';
  link.click();
  setTimeout(function () { URL.revokeObjectURL(link.href); }, 10000);
});

function pick_on_map(event) {
  var box = $('map').getBoundingClientRect(), l = 44, r = box.width - 10, t = 8, b = box.height - 34;
  var share = [(event.clientX - box.left - l) / (r - l), (b - (event.clientY - box.top)) / (b - t)];
  [0, 1].forEach(function (a) {
    if (SIZES[a] === 1) return;
    var place = Math.min(SIZES[a] - 1, Math.max(0, share[a] * SIZES[a] - 0.5)), k = Math.min(SIZES[a] - 2, Math.floor(place)), axis = BANK.axes[a];
    state.point[a] = axis[k] + (place - k) * (axis[k + 1] - axis[k]);
  });
  changed();
}
$('map').addEventListener('pointerdown', function (event) { this.setPointerCapture(event.pointerId); pick_on_map(event); });
$('map').addEventListener('pointermove', function (event) { if (event.buttons & 1) pick_on_map(event); });

var redraw = null;
window.addEventListener('resize', function () { clearTimeout(redraw); redraw = setTimeout(function () { if (shown) draw(shown); }, 120); });
if (window.matchMedia) {
  var scheme = matchMedia('(prefers-color-scheme: dark)');
  if (scheme.addEventListener) scheme.addEventListener('change', function () { if (shown) draw(shown); });
}
document.addEventListener('keydown', function (event) {
  if (event.key !== ' ' || /INPUT|BUTTON|A|SUMMARY/.test(event.target.tagName)) return;
  event.preventDefault();
  if (source) stop(); else play();
});

// For checks from outside: what is heard, rendered.
window.explorer = {
  state: state, audio: audio, changed: changed, chosen: chosen_response, decoded: decoded, play: play, stop: stop,
  is_playing: function () { return !!source; }, convolver: function () { return playing_convolver && playing_convolver.convolver; },
  render: function (seconds) {
    return chosen_response().then(function (pair) {
      var offline = new OfflineAudioContext(2, Math.round(seconds * audio.sampleRate), audio.sampleRate);
      var convolver = offline.createConvolver(), player = offline.createBufferSource();
      convolver.normalize = false;
      convolver.buffer = buffer_of(pair, state.ears);
      player.buffer = dry_sound;
      player.connect(convolver); convolver.connect(offline.destination);
      player.start();
      return offline.startRendering();
    });
  }
};

read_address();
set_levels();
show_state();
window.explorer.ready = load_own().then(update);
})();
