#include "train/report/page_style.h"

namespace diffverb::report {

std::string page_css() {
  return R"CSS(:root{color-scheme:light dark;--card:#f6f8fa;--line:#d5dbe1;--good:#1a7f4b;--near:#8a6100;--far:#b42318}
@media (prefers-color-scheme:dark){:root{--card:#1d232a;--line:#333c46;--good:#4cc38a;--near:#e3b341;--far:#ff8b80}}
*{box-sizing:border-box}html{-webkit-text-size-adjust:100%}
body{margin:0 auto;max-width:1240px;padding:0 20px 60px;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;overflow-wrap:anywhere}
h1{font-size:1.9rem;line-height:1.2;margin:1.6rem 0 .2rem}h2{font-size:1.3rem;margin:2.6rem 0 .3rem;border-top:1px solid var(--line);padding-top:1.2rem}h3{font-size:1rem;margin:1.2rem 0 .3rem}
p{margin:.3rem 0 .8rem;max-width:75ch}.soft,.sub{color:var(--soft)}.sub{max-width:none}.verdict{font-size:1.15rem;max-width:65ch;margin:1rem 0}
a{color:var(--r0)}nav{font-size:.9rem;margin:.6rem 0}nav a{margin-right:1rem;white-space:nowrap}
.missing{border-left:4px solid var(--near);background:var(--card);padding:.5rem .9rem;margin:.8rem 0}
.cards{display:grid;gap:14px;grid-template-columns:repeat(auto-fit,minmax(240px,1fr));margin:1rem 0}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:12px 16px}
.card h3{margin:0;font-size:.95rem;color:var(--soft);font-weight:600}.card .big{font-size:1.75rem;font-weight:650;line-height:1.3}
.card .big small{font-size:.9rem;font-weight:400;color:var(--soft)}.card p{margin:.2rem 0 0;font-size:.9rem}
.good{color:var(--good)}.near{color:var(--near)}.far{color:var(--far)}
.meter{position:relative;height:12px;border-radius:6px;background:var(--line);margin:9px 0 2px;overflow:hidden}
.meter i{position:absolute;left:0;top:0;bottom:0;background:var(--soft);opacity:.55}.meter b{position:absolute;left:0;top:3px;bottom:3px;background:currentColor;border-radius:3px}
.meter u{position:absolute;top:0;bottom:0;left:33.3%;width:2px;background:var(--ink)}
.grid2,.grid3{display:grid;gap:10px 18px;grid-template-columns:repeat(auto-fill,minmax(min(100%,340px),1fr))}.grid2{grid-template-columns:repeat(auto-fill,minmax(min(100%,460px),1fr))}
figure{margin:0;min-width:0}figure.large{grid-column:1/-1}svg.chart{display:block;width:100%;height:auto;touch-action:pan-y}.js figure.zoom svg{cursor:zoom-in}.js figure.large svg{cursor:zoom-out}
.key{display:flex;flex-wrap:wrap;gap:4px 20px;align-items:center;font-size:.9rem;color:var(--soft);margin:.2rem 0 .5rem}.key svg{width:36px;height:12px;margin-right:7px;vertical-align:middle}.key .swatch{display:inline-block;width:26px;height:12px;background:var(--shade);margin-right:7px;vertical-align:middle}
.scale{display:inline-block;width:min(260px,50vw);height:12px;margin:0 8px;vertical-align:middle;border-radius:3px}
.channels{display:none;gap:6px;margin:.4rem 0 .8rem;flex-wrap:wrap}.js .channels{display:flex}button{font:inherit;font-size:.9rem;padding:4px 13px;border:1px solid var(--line);border-radius:7px;background:var(--card);color:var(--ink);cursor:pointer}button[aria-pressed=true]{background:var(--ink);color:var(--paper)}
.js .off{display:none}.sounds{display:grid;gap:14px;grid-template-columns:repeat(auto-fit,minmax(min(100%,300px),1fr))}.sounds audio{width:100%;display:block;margin-top:4px}.sounds .card{padding:10px 14px}.sounds label{font-size:.95rem}.js .ab{display:inline-block}.ab{display:none;margin-top:8px}
.scroll{overflow-x:auto;-webkit-overflow-scrolling:touch}table{border-collapse:collapse;font-size:.88rem;font-variant-numeric:tabular-nums;min-width:100%}th,td{padding:4px 10px;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
th{font-weight:600;color:var(--soft)}th:first-child,td:first-child{text-align:left}td.name{white-space:normal;min-width:14ch}tr.group th{border-bottom:0;text-align:center;padding-bottom:0}td.over{font-weight:650;color:var(--far)}
pre{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:12px 14px;overflow-x:auto;font-size:.82rem;line-height:1.45;max-height:34rem;overflow-wrap:normal}dl{display:grid;grid-template-columns:minmax(9rem,max-content) 1fr;gap:3px 18px;font-size:.9rem}dt{color:var(--soft)}dd{margin:0;min-width:0}
.example{margin:0 0 2.2rem}.example h3{margin-top:1.6rem}.grid3+.grid3,.pair+.grid3,.pair+.pair{margin-top:8px}.tall{max-height:40rem;overflow-y:auto}.tall thead th{position:sticky;top:0;background:var(--paper)}table.narrow{min-width:0}circle[data-name]{fill-opacity:.75}
.js table.sortable th{cursor:pointer}
summary{cursor:pointer;font-weight:600;padding:.4rem 0}details.run>summary{font-size:1.2rem;border-top:2px solid var(--line);margin-top:2rem;padding-top:1rem}
#tip{position:fixed;pointer-events:none;background:var(--ink);color:var(--paper);font-size:.82rem;line-height:1.4;padding:5px 9px;border-radius:6px;white-space:pre;z-index:9;display:none;font-variant-numeric:tabular-nums}.hair{stroke:var(--ink);stroke-width:1;stroke-opacity:.6}
@media (max-width:520px){body{padding:0 12px 40px}h1{font-size:1.5rem}h2{font-size:1.15rem}dl{grid-template-columns:1fr}dd{margin-bottom:.4rem}}
@media print{nav,.channels,.ab{display:none!important}.js .off{display:block}h2{break-after:avoid}figure{break-inside:avoid}}
)CSS";
}

std::string page_script() {
  return R"JS((function(){'use strict';
document.documentElement.classList.add('js');
var all=function(s,r){return Array.prototype.slice.call((r||document).querySelectorAll(s));};
var tip=document.createElement('div');tip.id='tip';document.body.appendChild(tip);
function axis(t){var p=t.split(',');return{lo:+p[0],hi:+p[1],log:p[2]==='1',a:+p[3],b:+p[4],unit:p[5]||''};}
function value(ax,px){var u=(px-ax.a)/(ax.b-ax.a);return ax.log?ax.lo*Math.pow(ax.hi/ax.lo,u):ax.lo+u*(ax.hi-ax.lo);}
function show(v,unit){var m=Math.abs(v);return(m>=100?v.toFixed(0):m>=10?v.toFixed(1):m>=1?v.toFixed(2):m>=.01||m===0?v.toFixed(3):v.toPrecision(2))+(unit?' '+unit:'');}
function points(path){if(!path.pts){path.pts=(path.getAttribute('d')||'').split(/[ML]/).filter(Boolean).map(function(t){var q=t.split(' ');return[+q[0],+q[1]];});}return path.pts;}
// A spectrogram's bytes, read straight from the PNG: its rows stand in stored deflate blocks.
function picture(svg){if(svg.px===undefined){svg.px=null;var im=svg.querySelector('image');if(im){
var s=atob(im.getAttribute('href').split(',')[1]),u=function(i){return((s.charCodeAt(i)<<24)|(s.charCodeAt(i+1)<<16)|(s.charCodeAt(i+2)<<8)|s.charCodeAt(i+3))>>>0;};
var at=8,w=u(16),h=u(20);while(s.substr(at+4,4)!=='IDAT'){at+=12+u(at);}
svg.px={w:w,h:h,get:function(x,y){var p=y*(w+1)+1+x;return s.charCodeAt(at+10+p+5*(Math.floor(p/65535)+1));}};}}return svg.px;}
function hide(){tip.style.display='none';all('.hair').forEach(function(h){h.remove();});}
function move(ev){var svg=ev.currentTarget,box=svg.getBoundingClientRect(),view=svg.viewBox.baseVal;
var X=axis(svg.dataset.x),Y=axis(svg.dataset.y),px=(ev.clientX-box.left)/box.width*view.width,py=(ev.clientY-box.top)/box.height*view.height;hide();
if(px<X.a||px>X.b||py>Y.a||py<Y.b){return;}
var rows=[],at=px,pic=picture(svg);
if(pic){rows.push(show(value(X,px),X.unit)+', '+show(value(Y,py),Y.unit));
all('svg.picture',svg.closest('.pair')).forEach(function(o){var q=picture(o);if(!q||!o.getClientRects().length){return;}
var x=Math.min(q.w-1,Math.floor((px-X.a)/(X.b-X.a)*q.w)),y=Math.min(q.h-1,Math.floor((py-Y.b)/(Y.a-Y.b)*q.h)),v=q.get(x,y),r=+o.dataset.range;
rows.push(o.dataset.name+': '+(o.dataset.signed?(v>127.5?'+':'')+((v/127.5-1)*r).toFixed(1):(v===0?'under ':'')+((v/255-1)*r).toFixed(1))+' dB');});
}else if(svg.querySelector('circle[data-name]')){var near=null,nd=1e9;
all('circle[data-name]',svg).forEach(function(c){var x=+c.getAttribute('cx'),y=+c.getAttribute('cy'),d=(x-px)*(x-px)+(y-py)*(y-py);if(d<nd){nd=d;near=c;}});
if(!near||nd>900){return;}at=+near.getAttribute('cx');rows.push(near.dataset.name);rows.push(show(value(X,at),X.unit)+', '+show(value(Y,+near.getAttribute('cy')),Y.unit));
}else{var best=1e9;all('path.curve[data-name]',svg).forEach(function(c){points(c).forEach(function(p){var d=Math.abs(p[0]-px);if(d<best){best=d;at=p[0];}});});
rows.push(show(value(X,at),X.unit));
all('path.curve[data-name]',svg).forEach(function(c){var b=null,bd=4;points(c).forEach(function(p){var d=Math.abs(p[0]-at);if(d<bd){bd=d;b=p;}});
if(b){rows.push(c.dataset.name+': '+show(value(Y,b[1]),Y.unit));}});}
var l=document.createElementNS(svg.namespaceURI,'line');l.setAttribute('class','hair');l.setAttribute('x1',at);l.setAttribute('x2',at);l.setAttribute('y1',Y.a);l.setAttribute('y2',Y.b);svg.appendChild(l);
tip.textContent=rows.join('\n');tip.style.display='block';
tip.style.left=Math.max(4,Math.min(innerWidth-tip.offsetWidth-8,ev.clientX+14))+'px';tip.style.top=Math.max(4,Math.min(innerHeight-tip.offsetHeight-8,ev.clientY+14))+'px';}
all('svg.chart').forEach(function(s){s.addEventListener('pointermove',move);s.addEventListener('pointerdown',move);s.addEventListener('pointerleave',hide);});
all('figure.zoom').forEach(function(f){f.addEventListener('click',function(){f.classList.toggle('large');hide();});});
all('.channels').forEach(function(bar){var scope=bar.closest('.scope');function pick(n){all('[data-channel]',scope).forEach(function(e){if(e.tagName==='BUTTON'){e.setAttribute('aria-pressed',String(e.dataset.channel===n));}else{e.classList.toggle('off',e.dataset.channel!==n);}});}
all('button',bar).forEach(function(b){b.addEventListener('click',function(){pick(b.dataset.channel);});});pick('0');});
all('.sounds .card').forEach(function(card){var a=all('audio',card),b=card.querySelector('button');a.forEach(function(x){x.addEventListener('play',function(){all('audio').forEach(function(y){if(y!==x){y.pause();}});});});
if(!b||a.length<2){return;}b.addEventListener('click',function(){var on=a[0].paused?(a[1].paused?-1:1):0,to=on===0?1:0,t=on<0?0:a[on].currentTime;if(on>=0){a[on].pause();}a[to].currentTime=t;a[to].play();});});
all('table.sortable').forEach(function(t){all('thead th',t).forEach(function(h,i){h.addEventListener('click',function(){var d=h.dataset.way==='1'?-1:1,body=t.tBodies[0];h.dataset.way=String(d);
var text=function(r){return r.cells[i]?r.cells[i].textContent:'';};
all('tr',body).sort(function(a,b){var x=text(a),y=text(b),u=parseFloat(x),v=parseFloat(y);if(isNaN(u)&&isNaN(v)){return d*x.localeCompare(y);}return isNaN(u)?1:isNaN(v)?-1:d*(u-v);}).forEach(function(r){body.appendChild(r);});});});});
})();
)JS";
}

}  // namespace diffverb::report
