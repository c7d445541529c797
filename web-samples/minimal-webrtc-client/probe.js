export class Probe { attach() {} }
