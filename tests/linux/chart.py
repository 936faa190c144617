"""An SVG in which one sees where Pagewalk is ahead of Linux and where not:
a bar a line, on a logarithmic scale of the ratio, around 1."""
import html
import math

ROW, LEFT, WIDTH, TOP = 18, 290, 620, 70
LOW, HIGH = 1 / 32, 4  # ends of the scale


def _x(ratio):
    share = math.log(ratio / LOW) / math.log(HIGH / LOW)
    return LEFT + WIDTH * min(max(share, 0), 1)


def _text(x, y, text, anchor="start", colour="#222", size=11):
    return ('<text x="%.1f" y="%.1f" text-anchor="%s" fill="%s" '
            'font-size="%d">%s</text>'
            % (x, y, anchor, colour, size, html.escape(text)))


def _bar(row, y):
    label = "%s %s" % (row["name"], row["param"])
    parts = [_text(LEFT - 8, y + 12, label, "end")]
    ratio = row["ratio"]
    if ratio is None:
        parts.append(_text(_x(1) + 6, y + 12, row["ours"], colour="#b00020"))
        return parts
    colour = ("#2e7d32" if ratio <= 0.5 else
              "#f9a825" if ratio <= 1 else "#c62828")
    a, b = sorted([_x(1), _x(max(ratio, LOW))])
    parts.append('<rect x="%.1f" y="%.1f" width="%.1f" height="%d" '
                 'fill="%s"/>' % (a, y + 3, max(b - a, 1), ROW - 5, colour))
    parts.append(_text(b + 5 if ratio > 1 else a - 5, y + 12, "%.2f" % ratio,
                       "start" if ratio > 1 else "end", "#555", 10))
    return parts


def write(rows, path, unit):
    height = TOP + ROW * len(rows) + 20
    parts = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" '
             'font-family="sans-serif">' % (LEFT + WIDTH + 60, height),
             '<rect width="100%" height="100%" fill="white"/>',
             _text(LEFT, 22, "Pagewalk / Linux, %s per operation" % unit,
                   size=16),
             _text(LEFT, 40, "left of the line at 1: Pagewalk needs less; "
                   "green: half of Linux or less", colour="#555")]
    mark = LOW
    while mark <= HIGH:
        label = "%g" % mark if mark >= 1 else "1/%d" % round(1 / mark)
        parts.append('<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="%s"/>'
                     % (_x(mark), TOP - 6, _x(mark), height - 14,
                        "#000" if mark == 1 else "#ddd"))
        parts.append(_text(_x(mark), TOP - 10, label, "middle", "#555"))
        mark *= 2
    for i, row in enumerate(rows):
        parts += _bar(row, TOP + ROW * i)
    parts.append("</svg>")
    path.write_text("\n".join(parts) + "\n")
