"""An incremental solver of one-way constraints: small objects, inheritance, lists (in the manner of DeltaBlue)."""

REQUIRED, STRONG, NORMAL, WEAK = range(4)


class Variable:
    def __init__(self, name, value):
        self.name = name
        self.value = value
        self.constraints = []
        self.determined_by = None
        self.mark = 0
        self.strength = WEAK
        self.stays = True


class Constraint:
    def __init__(self, strength):
        self.strength = strength

    def attach(self, planner):
        for variable in self.variables():
            variable.constraints.append(self)
        planner.add(self)


class Stay(Constraint):
    def __init__(self, variable, strength):
        super().__init__(strength)
        self.output = variable

    def variables(self):
        return [self.output]

    def inputs(self):
        return []

    def choose(self, mark):
        if self.output.mark != mark and self.strength <= self.output.strength:
            return self.output
        return None

    def execute(self):
        pass


class Edit(Stay):
    pass


class Scale(Constraint):
    def __init__(self, source, scale, offset, target, strength):
        super().__init__(strength)
        self.source = source
        self.scale = scale
        self.offset = offset
        self.target = target
        self.forward = True

    def variables(self):
        return [self.source, self.scale, self.offset, self.target]

    def inputs(self):
        return [self.source if self.forward else self.target, self.scale, self.offset]

    def choose(self, mark):
        if self.target.mark != mark and self.strength <= self.target.strength:
            self.forward = True
            return self.target
        if self.source.mark != mark and self.strength <= self.source.strength:
            self.forward = False
            return self.source
        return None

    def execute(self):
        if self.forward:
            self.target.value = self.source.value * self.scale.value + self.offset.value
        else:
            self.source.value = (self.target.value - self.offset.value) // self.scale.value


class Planner:
    def __init__(self):
        self.mark = 0

    def add(self, constraint):
        self.mark += 1
        pending = [constraint]
        while pending:
            current = pending.pop()
            output = current.choose(self.mark)
            if output is None:
                continue
            for variable in current.inputs():
                variable.mark = self.mark
            displaced = output.determined_by
            output.determined_by = current
            output.strength = current.strength
            output.mark = self.mark
            current.execute()
            if displaced is not None and displaced is not current:
                pending.append(displaced)

    def plan(self, start):
        self.mark += 1
        result = []
        todo = list(start.constraints)
        start.mark = self.mark
        while todo:
            constraint = todo.pop(0)
            for variable in constraint.variables():
                if variable.determined_by is constraint and variable.mark != self.mark:
                    variable.mark = self.mark
                    result.append(constraint)
                    todo.extend(other for other in variable.constraints if other is not constraint)
        return result


def chain(length):
    planner = Planner()
    one, zero = Variable("one", 1), Variable("zero", 1)
    variables = [Variable(f"v{i}", i) for i in range(length + 1)]
    Stay(one, REQUIRED).attach(planner)
    Stay(zero, REQUIRED).attach(planner)
    for left, right in zip(variables, variables[1:]):
        Scale(left, one, zero, right, STRONG).attach(planner)
    Edit(variables[0], NORMAL).attach(planner)
    plan = planner.plan(variables[0])
    total = 0
    for value in range(60):
        variables[0].value = value
        for constraint in plan:
            constraint.execute()
        total += variables[-1].value
    return total


def main(length=700):
    return sum(chain(length) for _ in range(6))
