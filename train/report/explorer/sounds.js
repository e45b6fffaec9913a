// The explorer of a response bank: these files, one after the other, are one script in one function (CMakeLists.txt).
// Everything is in the page's folder: it works from a disk, without a server.
// BANK is set by the page: rate, axes, file, gain_db, t_s, palette, dry, dry_name.

// The bank's sounds: loading, decoding, mixing between grid points.
var $ = function (id) { return document.getElementById(id); };
var NAMES = ['x', 'y', 'z'];
var SIZES = BANK.axes.map(function (a) { return a.length; });
var FADE_S = 0.12;
var CACHE = 96;  // decoded points that are kept

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

// What is chosen.

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
