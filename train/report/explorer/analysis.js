// What the pictures and figures are made from: power spectra, decay curves, T20.

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
  if (count < 3 || curve[curve.length - 1] > -25) return NaN;
  return -60 / ((count * sxy - sx * sy) / (count * sxx - sx * sx));
}

/// |correlation| of both ears.
function coherence(pair) {
  var ll = 0, rr = 0, lr = 0, length = Math.min(pair[0].length, pair[1].length);
  for (var n = 0; n < length; ++n) { var l = pair[0][n], r = pair[1][n]; ll += l * l; rr += r * r; lr += l * r; }
  return Math.abs(lr) / Math.sqrt(ll * rr + 1e-30);
}
