"""Orbits of five bodies: float arithmetic and attribute-free inner loops."""


def main(steps=60000):
    pi = 3.141592653589793
    solar_mass = 4 * pi * pi
    days = 365.24
    bodies = [
        ([0.0, 0.0, 0.0], [0.0, 0.0, 0.0], solar_mass),
        ([4.841431442464721, -1.1603200440274284, -0.10362204447112311],
         [0.001660076642744037 * days, 0.007699011184197404 * days, -0.0000690460016972063 * days],
         0.0009547919384243266 * solar_mass),
        ([8.34336671824458, 4.124798564124305, -0.4035234171143214],
         [-0.002767425107268624 * days, 0.004998528012349172 * days, 0.00002304172975737639 * days],
         0.0002858859806661308 * solar_mass),
        ([12.894369562139131, -15.111151401698631, -0.22330757889265573],
         [0.002964601375647616 * days, 0.0023784717395948095 * days, -0.000029658956854023756 * days],
         0.00004366244043351563 * solar_mass),
        ([15.379697114850917, -25.919314609987964, 0.17925877295037118],
         [0.0026806777249038932 * days, 0.001628241700382423 * days, -0.00009515922545197159 * days],
         0.000051513890204661145 * solar_mass),
    ]
    pairs = [(bodies[i], bodies[j]) for i in range(5) for j in range(i + 1, 5)]
    for _ in range(steps):
        for ((x1, y1, z1), v1, m1), ((x2, y2, z2), v2, m2) in pairs:
            dx = x1 - x2
            dy = y1 - y2
            dz = z1 - z2
            magnitude = 0.01 * ((dx * dx + dy * dy + dz * dz) ** -1.5)
            b1 = m1 * magnitude
            b2 = m2 * magnitude
            v1[0] -= dx * b2
            v1[1] -= dy * b2
            v1[2] -= dz * b2
            v2[0] += dx * b1
            v2[1] += dy * b1
            v2[2] += dz * b1
        for r, (vx, vy, vz), m in bodies:
            r[0] += 0.01 * vx
            r[1] += 0.01 * vy
            r[2] += 0.01 * vz
    return round(bodies[0][0][0], 9)
