// Every text of the page, in English and Chinese; the browser's language chooses.
const english = {
  "tab.try": "Try it", "tab.why": "Why convolutions", "sections": "Sections",
  "metrics": "Right {accuracy} of the time ({low} to {high}) on {n} pictures that were left out while it learnt.",
  "metrics.boxes": "Finds boxes: AP50 {ap} on {n} pictures that were left out while it learnt.",
  "try.drop": "Drop pictures here, or paste one.", "try.choose": "Choose pictures", "try.photograph": "Take a photograph",
  "try.save": "Save the answers as a table", "try.clear": "Remove the pictures", "try.report": "The report on this detector, with its worst mistakes",
  "try.working": "{done} of {all} pictures …", "try.done": "{all} {all:picture|pictures}, {seconds} ms{all:| each}.", "try.why": "Why?", "try.reason": "Warm is what speaks for “{label}”, the most probable class.", "try.where": "Where is it?", "try.looking": "Looking …", "try.found": "{windows} windows in {seconds} s, with 1/{ratio} of the multiplications of cutting each out.", "try.nowhere": "Nothing found.", "try.nobackground": "Without a class “background” it sees one of its classes everywhere.", "try.heat": "where in the picture it is: {found}",
  "try.strange": "Strange: unlike the pictures that it learnt from.",
  "try.failed": "It did not work: {why}", "unsure": "unsure",
  "tab.inside": "Look inside", "inside.says": "Each layer makes maps: a filter's answers over the whole picture, bright where it answers most. Point at a map, or move in it with the arrow keys, to see what a value sees of the picture; click, or press Enter, to see how it was made and what the filter answers to most in your pictures.", "inside.picture": "the picture, and what a value sees of it", "inside.region": "picture and value", "inside.point": "Point at a map.", "inside.all": "Every layer",
  "inside.layer": "{maps} {maps:map|maps} of {size}; a value sees {field} pixels", "inside.map": "layer {layer}, filter {filter}", "inside.filter": "the filter's weights, as colours", "inside.value": "Layer {layer}, filter {filter}, row {row}, column {column}: {value}. It sees {field} pixels of the picture that the network sees, or fewer at the edge.",
  "inside.sum": "How the value was made: inputs × weights", "inside.total": "together with the bias {bias}: {before}; the activation makes {value} of it", "inside.strongest": "Where filter {filter} answers most in your pictures", "inside.colour0": "red", "inside.colour1": "green", "inside.colour2": "blue",
  "paint.drop": "Open the camera and see it painted, or drop or paste a picture.", "paint.choose": "Choose a picture", "paint.painted": "the painted picture", "paint.save": "Save the painted picture", "paint.working": "Painting …", "paint.done": "{width}×{height} pixels in {ms} ms",
  "web.private": "It computes in this browser: pictures are sent nowhere.", "web.loading": "Loading the detector …",
  "tab.teach": "Teach it", "teach.says": "Put pictures into two classes or more, at least {needed} into each, and let it learn from them, here on this computer.",
  "teach.missing": "Training is not installed: pip install 'convlens[train]'", "teach.more": "One more class", "teach.name": "name of the class", "teach.add": "Add pictures", "teach.forget": "Take this class away",
  "teach.count": "{n} {n:picture|pictures}", "teach.nameless": "Name the class first.",
  "teach.what": "What is taught", "teach.classes": "classes of whole pictures", "teach.boxes": "boxes around objects",
  "draw.says": "Draw a box around each object, in {needed} pictures or more, and let it learn from them, here on this computer. Choose pictures, drop them here, or paste one.", "draw.strip": "pictures", "draw.classes": "class of the next box, and of the selected one", "draw.more": "Add this class", "draw.stage": "the picture and its boxes",
  "draw.hint": "Drag to draw. Click a box to select it, then drag it or its edges. By keyboard: Tab goes from box to box, the arrow keys move one, with Shift they resize it, 1 to 9 give it a class, Delete deletes it, Ctrl+Z undoes.",
  "draw.box": "{label}, box {n} of {all}: from {left}, {top} to {right}, {bottom}", "draw.picture": "Picture {n}", "draw.count": "{n} {n:box|boxes}", "draw.unseen": "nobody has looked yet", "draw.nothing": "Nothing is here",
  "draw.summary": "{n} {n:picture|pictures}, {boxes} {boxes:box|boxes}.", "draw.unlearnt": "{n} of them (?) nobody has looked at: nothing is learnt from those.",
  "draw.undo": "Undo", "draw.delete": "Delete the box", "draw.add": "Add a box", "draw.next": "Next picture", "draw.remove": "Take this picture away", "draw.suggest": "Suggest boxes", "draw.suggested": "{n} {n:box|boxes} suggested: correct what is wrong.", "draw.nomore": "It finds nothing more.",
  "camera.open": "From the camera", "camera.seen": "what the camera sees", "camera.snap": "Take a picture", "camera.dark": "Camera off", "camera.none": "No camera was found.", "camera.taken": "Another program is using the camera.",
  "camera.refused": "The browser does not let this page use the camera: allow it beside the page's address.", "camera.insecure": "Browsers give the camera only to pages from this computer (http://localhost) or by https.", "camera.failed": "The camera did not open: {why}",
  "teach.minutes": "minutes (empty: as long as suits the pictures)", "teach.learn": "Learn", "teach.halt": "Stop soundly", "teach.use": "Use it here", "teach.download": "Download detector.onnx",
  "teach.training": "Learning … {message}", "teach.done": "Done: right {accuracy} of the time on {n} pictures ({low} to {high}).", "teach.plain": "Done.", "teach.failed": "It did not work: {message}", "teach.used": "From now on it tells {labels}: try it.", "teach.costs": "J on training pictures, step by step", "teach.val": "J on validation pictures",
  "weights.title": "How many weights?", "weights.says": "A dense layer connects every number of the picture with every output. Filters are small, and each serves the whole picture.",
  "weights.side": "picture's side", "weights.channels": "channels", "weights.filters": "filters", "weights.kernel": "filter's side", "weights.stride": "stride", "weights.padding": "padding",
  "weights.input": "input", "weights.output": "output", "weights.parameters": "parameters of the filters", "weights.connections": "connections", "weights.dense": "weights of a dense layer", "weights.ratio": "times as many",
  "weights.none": "the filter is larger than the padded picture", "weights.drawn": "Areas to scale: the dense layer's weights, and the filters' (the dot).",
  "field.title": "What does an output see?", "field.says": "Point at a cell of the output, or move there with the arrow keys: the inputs that it depends on light up, and no other counts. (Drawn for sides up to 32.)",
  "field.inputs": "input, {side}×{side}", "field.outputs": "output, {side}×{side}", "field.state": "Output ({x}, {y}) depends on {lit} of {all} inputs. A dense output depends on all {all}.",
  "field.cell": "output {x}, {y}", "field.large": "Too large to draw: choose a side of 32 or less above.",
  "sweep.title": "One filter, everywhere", "sweep.says": "The same nine numbers are laid over every place of the picture, multiplied and added: one filter makes all outputs.",
  "sweep.filter": "filter", "sweep.numbers": "its numbers", "sweep.picture": "Choose a picture", "sweep.play": "Sweep", "sweep.input": "the picture, in grey", "sweep.output": "where the filter answers: bright is positive, dark negative",
  "sweep.vertical": "vertical edges", "sweep.horizontal": "horizontal edges", "sweep.sobel": "Sobel", "sweep.blur": "blur", "sweep.sharpen": "sharpen", "sweep.own": "your own",
  "shift.title": "Does shifting change the answer?", "shift.says": "Move the picture by single pixels, with the buttons or the arrow keys, and watch the probabilities. Convolutions move with the picture; pooling and dense layers need not.",
  "shift.canvas": "the picture; arrow keys move it", "shift.up": "up", "shift.left": "left", "shift.right": "right", "shift.down": "down", "shift.home": "Back", "shift.offset": "moved by {x}, {y} pixels",
  "shift.none": "Try a picture first, or choose one above.", "shift.range": "Over {n} {n:place|places} the likeliest class changed {changes} {changes:time|times}; its probability went from {low} to {high}.",
};
const chinese = {
  "tab.try": "试一试", "tab.why": "为什么用卷积", "sections": "栏目",
  "metrics": "在学习时留出的 {n} 张图片上，正确率为 {accuracy}（{low} 到 {high}）。",
  "metrics.boxes": "找出方框：在学习时留出的 {n} 张图片上，AP50 为 {ap}。",
  "try.drop": "把图片拖到这里，或者粘贴一张。", "try.choose": "选择图片", "try.photograph": "拍一张照片",
  "try.save": "把结果保存为表格", "try.clear": "清空", "try.report": "这个检测器的报告，包括它最严重的错误",
  "try.working": "{all} 张中的第 {done} 张……", "try.done": "{all} 张图片，每张 {seconds} 毫秒。", "try.why": "为什么？", "try.reason": "暖色的部分支持最可能的类别“{label}”。", "try.where": "它在哪里？", "try.looking": "正在查找……", "try.found": "{seconds} 秒看了 {windows} 个窗口，乘法次数是逐个裁剪的 1/{ratio}。", "try.nowhere": "没有找到。", "try.nobackground": "没有“background”类别，它会处处看到自己的某个类别。", "try.heat": "它在图片中的位置：{found}",
  "try.strange": "陌生：与它学过的图片都不相像。",
  "try.failed": "没有成功：{why}", "unsure": "不确定",
  "tab.inside": "看看里面", "inside.says": "每一层产生特征图：一个滤波器在整张图片上的响应，越亮响应越强。指向特征图，或用方向键移动，可以看到一个值看到了图片的哪一部分；点击或按回车，可以看到它是怎样算出来的，以及这个滤波器对你的图片中哪里响应最强。", "inside.picture": "图片，以及一个值所看到的部分", "inside.region": "图片与值", "inside.point": "请指向一张特征图。", "inside.all": "所有层",
  "inside.layer": "{maps} 张 {size} 的特征图；一个值看到 {field} 像素", "inside.map": "第 {layer} 层，滤波器 {filter}", "inside.filter": "以颜色表示的滤波器权重", "inside.value": "第 {layer} 层，滤波器 {filter}，第 {row} 行，第 {column} 列：{value}。它看到网络所见图片的 {field} 像素，边缘处更少。",
  "inside.sum": "这个值是怎样算出来的：输入 × 权重", "inside.total": "加上偏置 {bias}：{before}；经过激活函数得到 {value}", "inside.strongest": "滤波器 {filter} 在你的图片中响应最强的地方", "inside.colour0": "红", "inside.colour1": "绿", "inside.colour2": "蓝",
  "paint.drop": "打开摄像头，看画面被实时画成这种风格；也可以拖入或粘贴一张图片。", "paint.choose": "选择图片", "paint.painted": "画好的图片", "paint.save": "保存画好的图片", "paint.working": "正在画……", "paint.done": "{width}×{height} 像素，用时 {ms} 毫秒",
  "web.private": "计算都在这个浏览器里进行：图片不会发送到任何地方。", "web.loading": "正在加载检测器……",
  "tab.teach": "教一教", "teach.says": "把图片放进两个或更多类别，每类至少 {needed} 张，就在这台电脑上训练。",
  "teach.missing": "没有安装训练部分：pip install 'convlens[train]'", "teach.more": "再加一个类别", "teach.name": "类别的名字", "teach.add": "添加图片", "teach.forget": "去掉这个类别",
  "teach.count": "{n} 张图片", "teach.nameless": "请先给类别起个名字。",
  "teach.what": "教什么", "teach.classes": "整张图片的类别", "teach.boxes": "物体的方框",
  "draw.says": "在至少 {needed} 张图片中，给每个物体画一个方框，就在这台电脑上训练。可以选择图片、拖到这里，或者粘贴一张。", "draw.strip": "图片", "draw.classes": "下一个方框和选中方框的类别", "draw.more": "添加这个类别", "draw.stage": "图片和它的方框",
  "draw.hint": "拖动来画方框。点击方框来选中，再拖动它或它的边。用键盘：Tab 在方框间移动，方向键移动方框，加 Shift 调整大小，1 到 9 更换类别，Delete 删除，Ctrl+Z 撤销。",
  "draw.box": "{label}，第 {n} 个方框，共 {all} 个：从 {left}, {top} 到 {right}, {bottom}", "draw.picture": "图片 {n}", "draw.count": "{n} 个方框", "draw.unseen": "还没有人看过", "draw.nothing": "这里什么也没有",
  "draw.summary": "{n} 张图片，{boxes} 个方框。", "draw.unlearnt": "其中 {n} 张（?）还没有人看过：不会从中学习。",
  "draw.undo": "撤销", "draw.delete": "删除方框", "draw.add": "添加方框", "draw.next": "下一张图片", "draw.remove": "去掉这张图片", "draw.suggest": "推荐方框", "draw.suggested": "推荐了 {n} 个方框：请改正不对的地方。", "draw.nomore": "没有找到更多。",
  "camera.open": "用摄像头", "camera.seen": "摄像头看到的画面", "camera.snap": "拍一张", "camera.dark": "关闭摄像头", "camera.none": "没有找到摄像头。", "camera.taken": "另一个程序正在使用摄像头。",
  "camera.refused": "浏览器不允许这个页面使用摄像头：请在地址栏旁边允许。", "camera.insecure": "浏览器只让本机（http://localhost）或 https 的页面使用摄像头。", "camera.failed": "摄像头没有打开：{why}",
  "teach.minutes": "分钟（留空：由图片决定）", "teach.learn": "开始学习", "teach.halt": "稳妥地停止", "teach.use": "在这里使用", "teach.download": "下载 detector.onnx",
  "teach.training": "正在学习……{message}", "teach.done": "完成：在 {n} 张图片上正确率 {accuracy}（{low} 到 {high}）。", "teach.plain": "完成。", "teach.failed": "没有成功：{message}", "teach.used": "从现在起它分辨 {labels}：试一试吧。", "teach.costs": "训练图片上的 J，逐步", "teach.val": "验证图片上的 J",
  "weights.title": "需要多少权重？", "weights.says": "全连接层把图片的每个数与每个输出相连。滤波器很小，而且每一个都用于整张图片。",
  "weights.side": "图片边长", "weights.channels": "通道", "weights.filters": "滤波器个数", "weights.kernel": "滤波器边长", "weights.stride": "步幅", "weights.padding": "填充",
  "weights.input": "输入", "weights.output": "输出", "weights.parameters": "滤波器的参数", "weights.connections": "连接", "weights.dense": "全连接层的权重", "weights.ratio": "倍",
  "weights.none": "滤波器比填充后的图片还大", "weights.drawn": "面积按比例：全连接层的权重，以及滤波器的权重（那个点）。",
  "field.title": "一个输出看到什么？", "field.says": "指向输出的一个格子，或用方向键移动：它所依赖的输入会亮起来，其余的都不起作用。（边长不超过 32 时画出。）",
  "field.inputs": "输入，{side}×{side}", "field.outputs": "输出，{side}×{side}", "field.state": "输出 ({x}, {y}) 依赖 {all} 个输入中的 {lit} 个。全连接的输出依赖全部 {all} 个。",
  "field.cell": "输出 {x}, {y}", "field.large": "太大，画不下：请在上面选择不超过 32 的边长。",
  "sweep.title": "同一个滤波器用在每一处", "sweep.says": "同样的九个数放在图片的每一处，相乘再相加：一个滤波器得到全部输出。",
  "sweep.filter": "滤波器", "sweep.numbers": "它的数", "sweep.picture": "选择一张图片", "sweep.play": "扫过", "sweep.input": "灰度图片", "sweep.output": "滤波器的响应：亮为正，暗为负",
  "sweep.vertical": "竖直边缘", "sweep.horizontal": "水平边缘", "sweep.sobel": "Sobel", "sweep.blur": "模糊", "sweep.sharpen": "锐化", "sweep.own": "自己的",
  "shift.title": "移动会改变答案吗？", "shift.says": "用按钮或方向键一个像素一个像素地移动图片，看概率怎样变化。卷积随图片移动；池化和全连接层却不一定。",
  "shift.canvas": "图片；用方向键移动", "shift.up": "上", "shift.left": "左", "shift.right": "右", "shift.down": "下", "shift.home": "回到原处", "shift.offset": "移动了 {x}, {y} 个像素",
  "shift.none": "请先试一张图片，或者在上面选择一张。", "shift.range": "{n} 次移动中，最可能的类别变了 {changes} 次；它的概率在 {low} 到 {high} 之间。",
};

export const language = (navigator.languages ?? [navigator.language]).find((l) => /^(zh|en)/i.test(l))?.slice(0, 2).toLowerCase() ?? "en";
const texts = language === "zh" ? chinese : english;

export function translate(key, values = {}) {
  const withPlurals = texts[key].replace(/\{(\w+):([^|}]*)\|([^}]*)\}/g, (_, name, singular, plural) => (values[name] === "1" ? singular : plural));
  return withPlurals.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

export function translatePage(root) {
  document.documentElement.lang = language;
  for (const element of root.querySelectorAll("[data-text]")) element.textContent = translate(element.dataset.text, { needed: 10 });
  for (const element of root.querySelectorAll("[data-hint]")) element.placeholder = translate(element.dataset.hint);
  for (const element of root.querySelectorAll("[data-label]")) element.setAttribute("aria-label", translate(element.dataset.label));
}

export const formatNumber = (value) => value.toLocaleString(language);
// Neither "0.0%" nor "100.0%" of what is not quite so.
export function formatPercent(share, digits = 1) {
  const step = 0.1 ** (digits + 2);
  const format = (value) => value.toLocaleString(language, { style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits });
  if (share > 0 && share < step / 2) return `<${format(step)}`;
  if (share < 1 && share > 1 - step / 2) return `>${format(1 - step)}`;
  return format(share);
}
